//===- Plugin.cpp - GPUs as a device of the runtime -----------------------===//
//
// libtenon_device_cuda.so. A queue is a stream: launches and copies return before they have happened, and finish()
// reports what went wrong meanwhile. The primary context of the GPU is shared with whoever else uses CUDA in this
// process; every function makes it current for its own time only. $TENON_CUDA_DEVICE numbers the GPU, 0 is the default;
// with $TENON_CUDA_GRAPHS=0 launches are never recorded as CUDA graphs.
//
//===----------------------------------------------------------------------===//
#include "../Guarded.h"
#include "CodeChoice.h"
#include "Driver.h"
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

using namespace tenon;
using namespace tenon::cuda;

namespace {

struct Kernel {
  Function function = nullptr;
  std::string name;
  unsigned threads = 0;
  int fixedShared = 0;                ///< bytes of shared memory beside the dynamic ones
  std::atomic<int> dynamicShared = 0; ///< bytes that a launch may have without asking for more
};

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
  std::deque<Kernel> kernels; ///< which stay where they are
  std::mutex mutex;           ///< of the kernels' attributes

  ~TenonDevice();
  std::string start(Capability &capability, std::string &name);
  std::string load(std::span<const char> image);
  std::string findKernel(const TenonDeviceKernel &wanted);
  std::string encode(const TenonDeviceTensor &tensor, EncodedTensor &map) const;
  std::string allowShared(Kernel &kernel, size_t bytes);
};

struct TenonQueue {
  TenonDevice *device;
  Stream stream;
  std::vector<void *> arguments;
  std::vector<EncodedTensor> tensors;
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
    for (Module module : modules)
      driver.unloadModule(module);
  }
  driver.releaseContext(ordinal);
}

/// Opens the driver and the GPU.
std::string TenonDevice::start(Capability &capability, std::string &name) {
  if (std::string message = driver.open(); !message.empty())
    return message;
  const char *variable = std::getenv("TENON_CUDA_DEVICE");
  const int index = variable ? std::atoi(variable) : 0;
  char text[256] = {};
  Result result = driver.deviceGet(&ordinal, index);
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

std::string TenonDevice::findKernel(const TenonDeviceKernel &wanted) {
  const std::string quoted = "kernel '" + std::string(wanted.name) + "'";
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
  }
  return -1;
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
  return guarded(error, [&]() -> std::string {
    auto made = std::make_unique<TenonDevice>();
    Capability capability;
    std::string name;
    if (std::string message = made->start(capability, name); !message.empty())
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
    const Result result = device->driver.createStream(&made->stream, streamNonBlocking);
    if (result == 0)
      *queue = made.release();
    return device->driver.describe(result);
  });
}

void destroyQueue(TenonQueue *queue) {
  Current current(*queue->device);
  queue->device->driver.destroyStream(queue->stream);
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

} // namespace

extern "C" __attribute__((visibility("default"))) const TenonDeviceApi *tenon_device_api(uint32_t version) {
  static const TenonDeviceApi recording = {
      TENON_DEVICE_VERSION, open, close,  code,   allocate,    release,   createQueue,
      destroyQueue,         copy, launch, finish, beginRecord, endRecord, replay,
      destroyGraph};
  static const TenonDeviceApi plain = {TENON_DEVICE_VERSION,
                                       open,
                                       close,
                                       code,
                                       allocate,
                                       release,
                                       createQueue,
                                       destroyQueue,
                                       copy,
                                       launch,
                                       finish,
                                       nullptr,
                                       nullptr,
                                       nullptr,
                                       nullptr};
  if (version != TENON_DEVICE_VERSION)
    return nullptr;
  const char *graphs = std::getenv("TENON_CUDA_GRAPHS");
  return graphs && std::strcmp(graphs, "0") == 0 ? &plain : &recording;
}
