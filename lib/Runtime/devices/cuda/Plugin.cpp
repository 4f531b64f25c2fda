//===- Plugin.cpp - GPUs as a device of the runtime -----------------------===//
//
// libtenon_device_cuda.so. A queue is a stream: launches and copies return before they have happened, and finish()
// reports what went wrong meanwhile. The primary context of the GPU is shared with whoever else uses CUDA in this
// process; every function makes it current for its own time only. $TENON_CUDA_DEVICE numbers the first GPU, 0 is the
// default; with $TENON_CUDA_GRAPHS=0 launches are never recorded as CUDA graphs.
//
//===----------------------------------------------------------------------===//
#include "../Guarded.h"
#include "CodeChoice.h"
#include "Driver.h"
#include "LibraryCalls.h"
#include "Nccl.h"
#include "tenon-c/device.h"
#include "tenon/Plan/ElementType.h"
#include "tenon/Plan/ImageArchive.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>

using namespace tenon;
using namespace tenon::cuda;

namespace {

struct Kernel {
  Function function = nullptr;
  std::string name;
  unsigned threads = 0;
  int fixedShared = 0;                 ///< bytes of shared memory beside the dynamic ones
  std::atomic<int> dynamicShared = 0;  ///< bytes that a launch may have without asking for more
  std::optional<TenonDeviceCall> call; ///< a library computes it
  size_t numBuffers = 0;
};

constexpr size_t numLibraries = 2;
constexpr const char *libraryNames[numLibraries] = {"cuBLASLt", "cuDNN"};

/// What a kernel takes as a tensor map.
struct alignas(64) EncodedTensor {
  unsigned char opaque[128];
};

} // namespace

struct TenonDevice {
  Driver driver;
  Ordinal ordinal = 0;
  Context context = nullptr;
  int mostThreads = 0, mostShared = 0; ///< of a block
  size_t code = 0;
  std::vector<Module> modules;
  std::deque<Kernel> kernels;                           ///< which stay where they are
  std::mutex mutex;                                     ///< of the kernels' attributes
  std::unique_ptr<CallLibrary> libraries[numLibraries]; ///< those that kernels call
  uint64_t workspace = 0;                               ///< bytes, the most that a call may use
  bool lacksLibrary = false;                            ///< why it did not start
  bool isShared = false;                                ///< there are fewer GPUs than ranks
  std::unique_ptr<Nccl> nccl;                           ///< once it was opened

  ~TenonDevice();
  std::string start(uint32_t offset, Capability &capability, std::string &name);
  std::string openNccl();
  std::string load(std::span<const char> image);
  std::string findKernel(const TenonDeviceKernel &wanted);
  std::string findLibrary(const TenonDeviceKernel &wanted);
  std::string encode(const TenonDeviceTensor &tensor, EncodedTensor &map) const;
  std::string allowShared(Kernel &kernel, size_t bytes);
};

struct TenonQueue {
  TenonDevice *device = nullptr;
  Stream stream = nullptr;
  std::vector<void *> arguments;
  std::vector<EncodedTensor> tensors;
  std::unique_ptr<LibraryQueue> libraries[numLibraries];
  Pointer workspace = 0; ///< of library calls
  std::vector<Event> marks;

  std::string startLibraries();
  std::string call(const Kernel &kernel, const TenonDeviceLaunch &launch);
  ~TenonQueue();
};

struct TenonComm {
  TenonDevice *device;
  Nccl::Comm comm;
  uint32_t member;
  std::atomic<bool> isAborted = false;
};

struct TenonGraph {
  TenonDevice *device;
  GraphExec exec;
};

namespace {

/// Makes the context of a device current in this thread, as long as it lives.
class Current {
public:
  explicit Current(const TenonDevice &device) : driver(device.driver), pushed(driver.pushContext(device.context)) {}
  ~Current() {
    Context ignored;
    if (pushed == 0)
      driver.popContext(&ignored);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;

private:
  const Driver &driver;
  const Result pushed; ///< a failure shows again in the next call
};

/// Whether the sections of an ELF file end within it. The driver is not told the size, and the file may be cut.
bool isWholeElf(std::span<const char> image) {
  if (image.size() < 64)
    return false;
  uint64_t offset;
  uint16_t size, count;
  std::memcpy(&offset, image.data() + 40, sizeof(offset));
  std::memcpy(&size, image.data() + 58, sizeof(size));
  std::memcpy(&count, image.data() + 60, sizeof(count));
  return offset <= image.size() && uint64_t(size) * count <= image.size() - offset;
}

} // namespace

TenonDevice::~TenonDevice() {
  if (!context)
    return;
  {
    Current current(*this);
    for (auto &library : libraries)
      library.reset();
    for (Module module : modules)
      driver.unloadModule(module);
  }
  driver.releaseContext(ordinal);
}

/// Opens the driver and the GPU.
std::string TenonDevice::start(uint32_t offset, Capability &capability, std::string &name) {
  if (std::string message = driver.open(); !message.empty())
    return message;
  const char *variable = std::getenv("TENON_CUDA_DEVICE");
  int index = variable ? std::atoi(variable) : 0, count = 0;
  char text[256] = {};
  Result result = 0;
  if (offset > 0) { // ranks that find no GPU of their own share one
    result = driver.deviceCount(&count);
    isShared = int(offset) >= count - index;
    index = count > 0 ? (index + int(offset)) % count : index;
  }
  result = result ? result : driver.deviceGet(&ordinal, index);
  if (result)
    return "GPU " + std::to_string(index) + ": " + driver.describe(result);
  auto read = [&](int attribute, int &value) {
    result = result ? result : driver.deviceAttribute(&value, attribute, ordinal);
  };
  read(capabilityMajor, capability.major);
  read(capabilityMinor, capability.minor);
  read(maxThreadsPerBlock, mostThreads);
  read(maxSharedPerBlock, mostShared);
  result = result ? result : driver.deviceName(text, sizeof(text) - 1, ordinal);
  name = text;
  result = result ? result : driver.retainContext(&context, ordinal);
  return driver.describe(result);
}

/// Loads a cubin, or PTX, which is text.
std::string TenonDevice::load(std::span<const char> image) {
  const bool isElf = std::string_view(image.data(), image.size()).starts_with("\177ELF");
  if (isElf && !isWholeElf(image))
    return "a code object is cut short";
  std::string text;
  if (!isElf)
    text.assign(image.begin(), image.end()); // ends with the zero that the driver looks for
  char log[512] = {};
  int options[] = {jitErrorLog, jitErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof(log) - 1)};
  Module module = nullptr;
  if (const Result result = driver.loadModule(&module, isElf ? image.data() : text.c_str(), 2, options, values))
    return driver.describe(result) + (log[0] ? ": " + std::string(log) : "");
  modules.push_back(module);
  return {};
}

/// Opens the library that computes a kernel.
std::string TenonDevice::findLibrary(const TenonDeviceKernel &wanted) {
  const TenonDeviceCall &call = *wanted.call;
  const std::string quoted = "kernel '" + std::string(wanted.name) + "'";
  if (call.library >= numLibraries)
    return quoted + " calls a library that this device does not know";
  for (uint32_t operand : {call.x, call.w, call.bias, call.residual, call.result})
    if (operand >= wanted.num_buffers && operand != TENON_NO_OPERAND)
      return quoted + " has an operand that is no buffer";
  std::unique_ptr<CallLibrary> &library = libraries[call.library];
  std::string error;
  if (!library)
    library = call.library == TENON_LIBRARY_CUBLASLT ? openCublasLt(error) : openCudnn(error);
  lacksLibrary = !library;
  if (!library)
    return quoted + " calls " + libraryNames[call.library] + ", which cannot be opened: " + error;
  kernels.back().call = call;
  kernels.back().numBuffers = wanted.num_buffers;
  workspace = std::max(workspace, call.workspace);
  return {};
}

std::string TenonDevice::findKernel(const TenonDeviceKernel &wanted) {
  const std::string quoted = "kernel '" + std::string(wanted.name) + "'";
  if (wanted.call) {
    kernels.emplace_back().name = wanted.name;
    return isHeld(wanted, code) ? findLibrary(wanted) : "";
  }
  if (wanted.threads == 0 || wanted.threads > unsigned(mostThreads))
    return quoted + " has blocks of " + std::to_string(wanted.threads) + " threads, the device allows 1 to " +
           std::to_string(mostThreads);
  Kernel &kernel = kernels.emplace_back();
  if (!isHeld(wanted, code))
    return {};
  kernel.name = wanted.name;
  kernel.threads = wanted.threads;
  Result result = notFound;
  for (size_t i = 0; i < modules.size() && result == notFound; ++i)
    result = driver.moduleFunction(&kernel.function, modules[i], wanted.name);
  if (result == notFound)
    return "the code objects lack " + quoted;
  int allowed = 0;
  result = result ? result : driver.functionAttribute(&kernel.fixedShared, staticShared, kernel.function);
  result = result ? result : driver.functionAttribute(&allowed, maxDynamicShared, kernel.function);
  kernel.dynamicShared = allowed;
  return result ? quoted + ": " + driver.describe(result) : "";
}

/// More than 48 KiB of shared memory have to be asked for.
std::string TenonDevice::allowShared(Kernel &kernel, size_t bytes) {
  if (bytes <= size_t(kernel.dynamicShared))
    return {};
  if (bytes > size_t(std::max(mostShared - kernel.fixedShared, 0)))
    return "a block needs " + std::to_string(bytes) + " bytes of shared memory beside " +
           std::to_string(kernel.fixedShared) + ", the device has " + std::to_string(mostShared);
  std::lock_guard lock(mutex);
  if (bytes <= size_t(kernel.dynamicShared)) // another thread was faster
    return {};
  const Result result = driver.setFunctionAttribute(kernel.function, maxDynamicShared, int(bytes));
  if (result == 0)
    kernel.dynamicShared = int(bytes);
  return driver.describe(result);
}

/// What calls of libraries need in this queue. The device's context is current.
std::string TenonQueue::startLibraries() {
  if (device->workspace > 0)
    if (const Result result = device->driver.allocate(&workspace, size_t(device->workspace)))
      return "workspace of " + std::to_string(device->workspace) + " bytes: " + device->driver.describe(result);
  for (size_t i = 0; i < numLibraries; ++i) {
    std::string error;
    if (device->libraries[i] && !(libraries[i] = device->libraries[i]->createQueue(error)))
      return error;
  }
  return {};
}

/// For one thread, before there is a communicator.
std::string TenonDevice::openNccl() {
  if (nccl)
    return {};
  auto made = std::make_unique<Nccl>();
  std::string message = made->open();
  if (message.empty())
    nccl = std::move(made);
  return message;
}

/// The device's context is current.
TenonQueue::~TenonQueue() {
  for (auto &library : libraries)
    library.reset();
  for (Event event : marks)
    device->driver.destroyEvent(event);
  if (workspace)
    device->driver.release(workspace);
  if (stream)
    device->driver.destroyStream(stream);
}

std::string TenonQueue::call(const Kernel &kernel, const TenonDeviceLaunch &launch) {
  const TenonDeviceCall &call = *kernel.call;
  constexpr int64_t largest = std::numeric_limits<int32_t>::max(); // libraries count in int
  int64_t extents[7];
  const size_t numExtents = launch.num_arguments - kernel.numBuffers;
  if (launch.num_arguments < kernel.numBuffers || numExtents != (call.library == TENON_LIBRARY_CUDNN ? 7 : 4))
    return "a call with a wrong number of arguments";
  for (size_t i = 0; i < numExtents; ++i) {
    std::memcpy(&extents[i], launch.arguments[kernel.numBuffers + i].value, sizeof(int64_t));
    if (extents[i] < 1 || extents[i] > largest)
      return std::string(libraryNames[call.library]) + " takes no extent of " + std::to_string(extents[i]);
  }
  auto pointer = [&](uint32_t operand) -> void * {
    return operand == TENON_NO_OPERAND ? nullptr : *static_cast<void *const *>(launch.arguments[operand].value);
  };
  return libraries[call.library]->run({call,
                                       pointer(call.x),
                                       pointer(call.w),
                                       pointer(call.bias),
                                       pointer(call.residual),
                                       pointer(call.result),
                                       {extents, numExtents},
                                       reinterpret_cast<void *>(workspace),
                                       stream});
}

/// CUtensorMapDataType of a TenonType; -1 where there is none.
static int tensorType(uint32_t type) {
  switch (ElementType(type)) {
  case ElementType::U8:
  case ElementType::I8:
  case ElementType::Bool:
    return 0;
  case ElementType::U16:
  case ElementType::I16:
    return 1;
  case ElementType::U32:
    return 2;
  case ElementType::I32:
    return 3;
  case ElementType::U64:
    return 4;
  case ElementType::I64:
    return 5;
  case ElementType::F16:
    return 6;
  case ElementType::F32:
    return 7;
  case ElementType::F64:
    return 8;
  case ElementType::BF16:
    return 9;
  default:
    return -1;
  }
}

std::string TenonDevice::encode(const TenonDeviceTensor &tensor, EncodedTensor &map) const {
  if (!driver.encodeTensorMap)
    return "the driver is older than CUDA 12 and has no tensor maps";
  unsigned long long extents[5], strides[5];
  const unsigned steps[5] = {1, 1, 1, 1, 1};
  std::copy_n(tensor.extents, 5, extents);
  std::copy_n(tensor.strides, 5, strides);
  const Result result =
      driver.encodeTensorMap(&map, tensorType(tensor.element_type), tensor.rank, tensor.data, extents, strides + 1,
                             tensor.box, steps, 0, std::bit_width(tensor.swizzle / 32), promoteLines, 0);
  return result ? "tensor map: " + driver.describe(result) : "";
}

namespace {

int open(const TenonDeviceProgram *program, TenonDevice **device, TenonDeviceError *error) {
  std::unique_ptr<TenonDevice> made;
  const int result = guarded(error, [&]() -> std::string {
    made = std::make_unique<TenonDevice>();
    Capability capability;
    std::string name;
    if (std::string message = made->start(program->ordinal, capability, name); !message.empty())
      return message;
    if (std::string message =
            chooseCode({program->archs, program->num_codes}, program->arch, capability, name, made->code);
        !message.empty())
      return message;
    std::vector<std::span<const char>> images;
    if (!plan::unpackImages({static_cast<const char *>(program->codes[made->code]), program->code_sizes[made->code]},
                            images))
      return "the code object is no archive of images";
    Current current(*made);
    for (std::span<const char> image : images)
      if (std::string message = made->load(image); !message.empty())
        return "code for " + std::string(program->archs[made->code]) + " does not load: " + message;
    for (size_t i = 0; i < program->num_kernels; ++i)
      if (std::string message = made->findKernel(program->kernels[i]); !message.empty())
        return message;
    *device = made.release();
    return {};
  });
  constexpr int missingLibrary = 2; // see tenon-c/device.h
  return result != 0 && made && made->lacksLibrary ? missingLibrary : result;
}

void close(TenonDevice *device) { delete device; }
size_t code(const TenonDevice *device) { return device->code; }

void *allocate(TenonDevice *device, size_t bytes) {
  Current current(*device);
  Pointer memory = 0;
  if (device->driver.allocate(&memory, std::max<size_t>(bytes, 1)))
    return nullptr;
  return reinterpret_cast<void *>(memory);
}

void release(TenonDevice *device, void *memory) {
  Current current(*device);
  device->driver.release(reinterpret_cast<Pointer>(memory));
}

int createQueue(TenonDevice *device, TenonQueue **queue, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    Current current(*device);
    auto made = std::make_unique<TenonQueue>();
    made->device = device;
    if (const Result result = device->driver.createStream(&made->stream, streamNonBlocking))
      return device->driver.describe(result);
    if (std::string message = made->startLibraries(); !message.empty())
      return message;
    *queue = made.release();
    return {};
  });
}

void destroyQueue(TenonQueue *queue) {
  Current current(*queue->device);
  delete queue;
}

/// The driver sees from an address whose memory it is. Pageable memory is copied before this returns.
int copy(TenonQueue *queue, void *target, const void *source, size_t bytes, TenonDeviceError *error) {
  return guarded(error, [&] {
    Current current(*queue->device);
    const Driver &driver = queue->device->driver;
    return driver.describe(
        driver.copyAsync(reinterpret_cast<Pointer>(target), reinterpret_cast<Pointer>(source), bytes, queue->stream));
  });
}

int launch(TenonQueue *queue, const TenonDeviceLaunch *launch, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    if (launch->blocks > std::numeric_limits<int32_t>::max())
      return std::to_string(launch->blocks) + " blocks are more than a grid may have";
    TenonDevice &device = *queue->device;
    Current current(device);
    Kernel &kernel = device.kernels[launch->kernel];
    if (kernel.call)
      return queue->call(kernel, *launch);
    if (std::string message = device.allowShared(kernel, launch->shared); !message.empty())
      return message;
    queue->arguments.clear();
    queue->tensors.resize(launch->num_tensors);
    for (size_t i = 0; i < launch->num_tensors; ++i) {
      if (std::string message = device.encode(launch->tensors[i], queue->tensors[i]); !message.empty())
        return message;
      queue->arguments.push_back(&queue->tensors[i]);
    }
    for (size_t i = 0; i < launch->num_arguments; ++i)
      queue->arguments.push_back(const_cast<void *>(launch->arguments[i].value));
    return device.driver.describe(device.driver.launch(kernel.function, unsigned(launch->blocks), 1, 1, kernel.threads,
                                                       1, 1, unsigned(launch->shared), queue->stream,
                                                       queue->arguments.data(), nullptr));
  });
}

int finish(TenonQueue *queue, TenonDeviceError *error) {
  return guarded(error, [&] {
    Current current(*queue->device);
    return queue->device->driver.describe(queue->device->driver.synchronize(queue->stream));
  });
}

int beginRecord(TenonQueue *queue, TenonDeviceError *error) {
  return guarded(error, [&] {
    Current current(*queue->device);
    return queue->device->driver.describe(queue->device->driver.beginCapture(queue->stream, captureRelaxed));
  });
}

int endRecord(TenonQueue *queue, TenonGraph **graph, TenonDeviceError *error) {
  return guarded(error, [&] {
    const Driver &driver = queue->device->driver;
    Current current(*queue->device);
    auto made = std::make_unique<TenonGraph>(TenonGraph{queue->device, nullptr});
    Graph recorded = nullptr;
    Result result = driver.endCapture(queue->stream, &recorded);
    result = result ? result : driver.instantiate(&made->exec, recorded, 0);
    if (recorded)
      driver.destroyGraph(recorded);
    if (result == 0)
      *graph = made.release();
    return driver.describe(result);
  });
}

int replay(TenonQueue *queue, TenonGraph *graph, TenonDeviceError *error) {
  return guarded(error, [&] {
    Current current(*queue->device);
    return queue->device->driver.describe(queue->device->driver.launchGraph(graph->exec, queue->stream));
  });
}

void destroyGraph(TenonGraph *graph) {
  Current current(*graph->device);
  graph->device->driver.destroyExec(graph->exec);
  delete graph;
}

int mark(TenonQueue *queue, size_t number, TenonDeviceError *error) {
  return guarded(error, [&] {
    const Driver &driver = queue->device->driver;
    Current current(*queue->device);
    while (queue->marks.size() <= number) {
      Event event = nullptr;
      if (const Result result = driver.createEvent(&event, 0))
        return driver.describe(result);
      queue->marks.push_back(event);
    }
    return driver.describe(driver.recordEvent(queue->marks[number], queue->stream));
  });
}

int elapsed(TenonQueue *queue, size_t first, size_t second, double *seconds, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    if (std::max(first, second) >= queue->marks.size())
      return "there is no such mark";
    Current current(*queue->device);
    float milliseconds = 0;
    const Result result = queue->device->driver.elapsed(&milliseconds, queue->marks[first], queue->marks[second]);
    *seconds = double(milliseconds) * 1e-3;
    return queue->device->driver.describe(result);
  });
}

int makeMeeting(TenonDevice *device, TenonDeviceMeeting *meeting, TenonDeviceError *error) {
  bool isMissing = false;
  const int result = guarded(error, [&]() -> std::string {
    std::string message = device->isShared ? "there are fewer GPUs than ranks" : device->openNccl();
    isMissing = !message.empty();
    return isMissing ? message : device->nccl->describe(device->nccl->getUniqueId(meeting));
  });
  return isMissing ? 2 : result;
}

int createComm(TenonDevice *device, const TenonDeviceMeeting *meeting, uint32_t member, uint32_t size, TenonComm **comm,
               TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    if (std::string message = device->openNccl(); !message.empty())
      return message;
    Current current(*device);
    auto made = std::make_unique<TenonComm>();
    made->device = device;
    made->member = member;
    if (const int result = device->nccl->initRank(&made->comm, int(size), *meeting, int(member)))
      return device->nccl->describe(result);
    *comm = made.release();
    return {};
  });
}

void abortComm(TenonComm *comm) {
  if (!comm->isAborted.exchange(true))
    comm->device->nccl->abort(comm->comm);
}

void destroyComm(TenonComm *comm) {
  Current current(*comm->device);
  if (!comm->isAborted)
    comm->device->nccl->destroy(comm->comm);
  delete comm;
}

int collective(TenonQueue *queue, TenonComm *comm, const TenonDeviceCollective *collective, TenonDeviceError *error) {
  return guarded(error, [&]() -> std::string {
    if (comm->isAborted)
      return "another rank has failed";
    Current current(*queue->device);
    return queue->device->nccl->run(comm->comm, comm->member, *collective, queue->stream);
  });
}

int copyRows(TenonQueue *queue, void *target, size_t targetPitch, const void *source, size_t sourcePitch, size_t bytes,
             size_t rows, TenonDeviceError *error) {
  return guarded(error, [&] {
    Current current(*queue->device);
    RowCopy copy;
    copy.source = reinterpret_cast<Pointer>(source);
    copy.sourcePitch = sourcePitch;
    copy.target = reinterpret_cast<Pointer>(target);
    copy.targetPitch = targetPitch;
    copy.bytes = bytes;
    copy.rows = rows;
    return queue->device->driver.describe(queue->device->driver.copyRowsAsync(&copy, queue->stream));
  });
}

} // namespace

extern "C" __attribute__((visibility("default"))) const TenonDeviceApi *tenon_device_api(uint32_t version) {
  static const TenonDeviceApi recording = {
      TENON_DEVICE_VERSION, open,    close,   code,        allocate,    release,     createQueue,
      destroyQueue,         copy,    launch,  finish,      beginRecord, endRecord,   replay,
      destroyGraph,         mark,    elapsed, makeMeeting, createComm,  destroyComm, abortComm,
      collective,           copyRows};
  static const TenonDeviceApi plain = [] {
    TenonDeviceApi api = recording;
    api.begin_record = nullptr;
    api.end_record = nullptr;
    api.replay = nullptr;
    api.destroy_graph = nullptr;
    return api;
  }();
  if (version != TENON_DEVICE_VERSION)
    return nullptr;
  const char *graphs = std::getenv("TENON_CUDA_GRAPHS");
  return graphs && std::strcmp(graphs, "0") == 0 ? &plain : &recording;
}
