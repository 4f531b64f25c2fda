//===- MockCuda.cpp - A CUDA driver without a GPU -------------------------===//
#include "MockCuda.h"

#ifdef TENON_TEST_VGPU
#include "tenon/Runtime/Vgpu.h"
#endif

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>

using tenon::test::MockCudaLibraries;
using tenon::test::MockCudaReport;
using Pointer = unsigned long long;

namespace {

// CUresult
constexpr int invalidValue = 1, outOfMemory = 2, notInitialized = 3, invalidDevice = 101, invalidImage = 200,
              invalidContext = 201, invalidHandle = 400, notFound = 500, notReady = 600, illegalAddress = 700,
              notSupported = 801;
constexpr int sharedByDefault = 48 << 10, sharedOptIn = 227 << 10, sharedFixed = 1024;

struct Function {
  std::string name;
  int dynamicShared = sharedByDefault - sharedFixed;
#ifdef TENON_TEST_VGPU
  tenon::vgpu::Kernel kernel = {}; ///< of an image that is for the virtual GPU
#endif
};
struct Module {
  std::vector<std::unique_ptr<Function>> functions;
#ifdef TENON_TEST_VGPU
  tenon::vgpu::Module loaded;
#endif
};
using Work = std::vector<std::function<bool()>>; ///< false: it touched what is not there
struct Stream {
  Work work;
  Work *captured = nullptr; ///< where launches go instead
  double clock = 0;         ///< us
};
struct Event {
  double time = -1; ///< us; -1: not yet
};

struct State {
  std::mutex mutex;
  MockCudaReport report;
  bool initialized = false;
  int retained = 0; ///< times the primary context was
  int sticky = 0;   ///< error that the context died of
  std::set<Module *> modules;
  std::set<Stream *> streams;
  std::set<Work *> graphs; ///< captured and instantiated ones
  std::set<Event *> events;
  int descriptions = 0;
  std::map<char *, size_t> memory;
  size_t used = 0;

  void violate(const std::string &what) { report.violations.push_back(what); }
  /// Whether `bytes` at `p` are of one allocation.
  bool owns(const void *pointer, size_t bytes) {
    char *p = static_cast<char *>(const_cast<void *>(pointer));
    auto next = memory.upper_bound(p);
    if (next == memory.begin())
      return false;
    const auto [base, size] = *std::prev(next);
    return p < base + size && bytes <= size_t(base + size - p);
  }
};

State &state() {
  static State *state = new State; // outlives everything
  return *state;
}
char primary;                           // its address is the context
thread_local std::vector<void *> stack; // of current contexts

/// What every function does first. `needsContext`: it must be current in this thread.
struct Call {
  std::unique_lock<std::mutex> lock;
  int error = 0;

  Call(const char *name, bool needsContext) : lock(state().mutex) {
    State &s = state();
    ++s.report.calls[name];
    if (!s.initialized)
      error = notInitialized;
    else if (needsContext && (stack.empty() || stack.back() != &primary || s.retained == 0)) {
      s.violate(std::string(name) + " without a current context");
      error = invalidContext;
    } else if (needsContext && s.sticky)
      error = s.sticky;
    const char *failing = std::getenv("TENON_MOCK_FAIL");
    const size_t length = std::strlen(name);
    if (failing && std::strncmp(failing, name, length) == 0 && failing[length] == '=')
      error = std::atoi(failing + length + 1);
  }
};

template <typename T>
bool known(const std::set<T *> &all, T *object, const char *what) {
  if (all.count(object))
    return true;
  state().violate(std::string("unknown ") + what);
  return false;
}

/// What kernel `name` does; it must be safe against wrong pointers.
std::function<bool()> body(const std::string &name, int64_t blocks, void **arguments) {
  auto pointer = [&](int i) { return *static_cast<float **>(arguments[i]); };
  auto owned = [](std::initializer_list<std::pair<float *, int64_t>> ranges) {
    State &s = state();
    std::lock_guard lock(s.mutex);
    for (auto [p, count] : ranges)
      if (!s.owns(p, size_t(count) * sizeof(float)))
        return false;
    return true;
  };
  if (name == "add_rows") {
    float *x = pointer(0), *w = pointer(1), *y = pointer(2);
    const int64_t columns = *static_cast<int64_t *>(arguments[3]);
    return [=] {
      if (!owned({{x, blocks * columns}, {w, columns}, {y, blocks * columns}}))
        return false;
      for (int64_t i = 0; i < blocks * columns; ++i)
        y[i] = x[i] + w[i % columns];
      return true;
    };
  }
  if (name == "scale_map") {
    float *x = *static_cast<float **>(arguments[0]), *y = pointer(2); // see cuTensorMapEncodeTiled
    const int64_t rows = blocks, factor = *static_cast<int64_t *>(arguments[3]);
    return [=] {
      if (!owned({{x, rows * 4}, {y, rows * 4}}))
        return false;
      for (int64_t i = 0; i < rows * 4; ++i)
        y[i] = float(factor) * x[i];
      return true;
    };
  }
  float *x = pointer(0), *y = pointer(1);
  const int64_t factor = *static_cast<int64_t *>(arguments[2]);
  return [=] {
    if (!owned({{x, blocks}, {y, blocks}}))
      return false;
    for (int64_t i = 0; i < blocks; ++i)
      y[i] = float(factor) * x[i];
    return true;
  };
}

/// Whether `bytes` at `p` are within an allocation, or none of it: then they are of the host.
bool inOnePiece(char *p, size_t bytes) {
  State &s = state();
  for (const auto &[base, size] : s.memory)
    if (p < base + size && base < p + bytes)
      return s.owns(p, bytes);
  return true;
}

const std::map<int, std::pair<const char *, const char *>> errors = {
    {0, {"no error", "CUDA_SUCCESS"}},
    {invalidValue, {"invalid argument", "CUDA_ERROR_INVALID_VALUE"}},
    {outOfMemory, {"out of memory", "CUDA_ERROR_OUT_OF_MEMORY"}},
    {100, {"no CUDA-capable device is detected", "CUDA_ERROR_NO_DEVICE"}},
    {invalidDevice, {"invalid device ordinal", "CUDA_ERROR_INVALID_DEVICE"}},
    {invalidImage, {"device kernel image is invalid", "CUDA_ERROR_INVALID_IMAGE"}},
    {notFound, {"named symbol not found", "CUDA_ERROR_NOT_FOUND"}},
    {illegalAddress, {"an illegal memory access was encountered", "CUDA_ERROR_ILLEGAL_ADDRESS"}},
    {719, {"unspecified launch failure", "CUDA_ERROR_LAUNCH_FAILED"}},
    {801, {"operation not supported", "CUDA_ERROR_NOT_SUPPORTED"}},
};

/// Bytes of the ELF file that begins at `image`.
size_t elfBytes(const char *image) {
  uint64_t offset;
  uint16_t size, count;
  std::memcpy(&offset, image + 40, sizeof(offset));
  std::memcpy(&size, image + 58, sizeof(size));
  std::memcpy(&count, image + 60, sizeof(count));
  return offset + size_t(size) * count;
}

int enqueue(void *stream, const std::string &text, std::function<bool()> work) {
  State &s = state();
  std::lock_guard lock(s.mutex);
  auto *queue = static_cast<Stream *>(stream);
  if (!known(s.streams, queue, "stream"))
    return invalidHandle;
  if (!queue->captured)
    s.report.launches.push_back(text);
  const char *variable = std::getenv("TENON_MOCK_LIBRARY_US");
  const double time = variable ? std::atof(variable) : 5;
  (queue->captured ? *queue->captured : queue->work).push_back([=, work = std::move(work)] {
    queue->clock += time;
    return work();
  });
  return 0;
}

bool ownsLocked(const void *pointer, size_t bytes) {
  std::lock_guard lock(state().mutex);
  return state().owns(pointer, bytes);
}
void violateLocked(const std::string &what) {
  std::lock_guard lock(state().mutex);
  state().violate(what);
}
void countDescriptions(int change) {
  std::lock_guard lock(state().mutex);
  state().descriptions += change;
}

#ifdef TENON_TEST_VGPU
/// Runs what waits in the stream, then the kernel.
int launchVirtual(const Function &function, unsigned blocks, unsigned threads, unsigned shared, Stream &stream,
                  void **arguments, std::unique_lock<std::mutex> &lock) {
  static tenon::vgpu::VirtualGpu *gpu = new tenon::vgpu::VirtualGpu;
  auto work = std::move(stream.work);
  stream.work.clear();
  tenon::vgpu::LaunchOptions options;
  for (const auto &[base, bytes] : state().memory)
    options.globalMemory.push_back({base, bytes});
  lock.unlock();
  bool good = true;
  for (const auto &step : work)
    good = good && step();
  const std::string error = gpu->launch(function.kernel, {blocks, 1, 1}, {threads, 1, 1}, shared, arguments, options);
  lock.lock();
  if (!error.empty())
    state().violate(error);
  stream.clock += 10 + 0.1 * blocks;
  return good && error.empty() ? 0 : state().sticky = illegalAddress;
}

/// Loads an object for the virtual GPU.
int loadVirtual(const char *image, Module &module) {
  std::string error;
  module.loaded = tenon::vgpu::Module::load(image, elfBytes(image), error);
  return error.empty() ? 0 : invalidImage;
}
#endif

} // namespace

extern "C" {

__attribute__((visibility("default"))) void tenon_mock_cuda_report(MockCudaReport *report) {
  State &s = state();
  std::lock_guard lock(s.mutex);
  s.report.contexts = s.retained > 0;
  s.report.modules = int(s.modules.size());
  s.report.streams = int(s.streams.size());
  s.report.allocations = int(s.memory.size());
  s.report.graphs = int(s.graphs.size());
  s.report.depth = int(stack.size());
  s.report.events = int(s.events.size());
  s.report.descriptions = s.descriptions;
  *report = std::move(s.report);
  s.report = {};
}

__attribute__((visibility("default"))) MockCudaLibraries tenon_mock_cuda_libraries() {
  return {enqueue, ownsLocked, violateLocked, countDescriptions};
}

#pragma GCC visibility push(default)

int cuInit(unsigned) {
  Call call("cuInit", false);
  const int error = call.error == notInitialized ? 0 : call.error;
  state().initialized = error == 0;
  return error;
}

int cuGetErrorString(int error, const char **text) {
  *text = errors.count(error) ? errors.at(error).first : nullptr;
  return *text ? 0 : invalidValue;
}
int cuGetErrorName(int error, const char **text) {
  *text = errors.count(error) ? errors.at(error).second : nullptr;
  return *text ? 0 : invalidValue;
}

int cuDeviceGet(int *device, int index) {
  Call call("cuDeviceGet", false);
  *device = index;
  const char *variable = std::getenv("TENON_MOCK_DEVICES");
  const int devices = variable ? std::atoi(variable) : 1;
  return call.error ? call.error : index >= 0 && index < devices ? 0 : invalidDevice;
}

int cuDeviceGetName(char *name, int bytes, int) {
  Call call("cuDeviceGetName", false);
  const char *variable = std::getenv("TENON_MOCK_NAME");
  std::snprintf(name, size_t(bytes), "%s", variable ? variable : "Mock GPU");
  return call.error;
}

int cuDeviceGetCount(int *count) {
  Call call("cuDeviceGetCount", false);
  const char *variable = std::getenv("TENON_MOCK_DEVICES");
  *count = variable ? std::atoi(variable) : 1;
  return call.error;
}

int cuDeviceTotalMem_v2(size_t *bytes, int) {
  Call call("cuDeviceTotalMem_v2", false);
  *bytes = 80'000'000'000;
  return call.error;
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
  Call call("cuDeviceGetAttribute", false);
  const char *variable = std::getenv("TENON_MOCK_CAPABILITY");
  const std::string capability = variable ? variable : "9.0";
  const std::map<int, int> attributes = {{1, 1024},
                                         {75, std::atoi(capability.c_str())},
                                         {76, std::atoi(capability.c_str() + capability.find('.') + 1)},
                                         {97, sharedOptIn}};
  if (!attributes.count(attribute))
    return invalidValue;
  *value = attributes.at(attribute);
  return call.error;
}

int cuDevicePrimaryCtxRetain(void **context, int) {
  Call call("cuDevicePrimaryCtxRetain", false);
  if (call.error)
    return call.error;
  ++state().retained;
  *context = &primary;
  return 0;
}

int cuDevicePrimaryCtxRelease_v2(int) {
  Call call("cuDevicePrimaryCtxRelease_v2", false);
  State &s = state();
  if (s.retained == 0) {
    s.violate("the context is released too often");
    return invalidContext;
  }
  if (--s.retained == 0) {
    if (!s.memory.empty() || !s.modules.empty() || !s.streams.empty())
      s.violate("the context goes away with " + std::to_string(s.memory.size()) + " allocations, " +
                std::to_string(s.modules.size()) + " modules and " + std::to_string(s.streams.size()) + " streams");
    s.sticky = 0;
  }
  return call.error;
}

int cuCtxPushCurrent_v2(void *context) {
  Call call("cuCtxPushCurrent_v2", false);
  if (context != &primary || state().retained == 0)
    return invalidContext;
  stack.push_back(context);
  return 0;
}

int cuCtxPopCurrent_v2(void **context) {
  Call call("cuCtxPopCurrent_v2", false);
  if (stack.empty()) {
    state().violate("no context to pop");
    return invalidContext;
  }
  *context = stack.back();
  stack.pop_back();
  return 0;
}

int cuModuleLoadDataEx(void **module, const void *image, unsigned count, int *options, void **values) {
  Call call("cuModuleLoadDataEx", true);
  const char *text = static_cast<const char *>(image); // of a cubin, the driver looks no further than its header says
#ifdef TENON_TEST_VGPU
  if (call.error == 0 && std::strncmp(text, "\177ELF", 4) == 0) {
    auto made = std::make_unique<Module>();
    if (const int error = loadVirtual(text, *made))
      return error;
    *module = made.get();
    state().modules.insert(made.release());
    return 0;
  }
#endif
  if (call.error || std::strncmp(text, "MOCK", 4) != 0) {
    if (count == 2 && options[0] == 5 && options[1] == 6)
      std::snprintf(static_cast<char *>(values[0]), reinterpret_cast<size_t>(values[1]), "not MOCK");
    return call.error ? call.error : invalidImage;
  }
  auto made = std::make_unique<Module>();
  std::istringstream words(text + 4);
  for (std::string name; words >> name;)
    made->functions.push_back(std::make_unique<Function>(Function{name}));
  *module = made.get();
  state().modules.insert(made.release());
  return 0;
}

int cuModuleUnload(Module *module) {
  Call call("cuModuleUnload", true);
  if (!known(state().modules, module, "module"))
    return invalidHandle;
  state().modules.erase(module);
  delete module;
  return call.error;
}

int cuModuleGetFunction(Function **function, Module *module, const char *name) {
  Call call("cuModuleGetFunction", true);
  if (call.error || !known(state().modules, module, "module"))
    return call.error ? call.error : invalidHandle;
  for (const auto &candidate : module->functions)
    if (candidate->name == name) {
      *function = candidate.get();
      return 0;
    }
#ifdef TENON_TEST_VGPU
  if (module->loaded)
    if (auto kernel = module->loaded.find(name); kernel.trampoline) {
      *function = module->functions.emplace_back(std::make_unique<Function>(Function{name})).get();
      (*function)->kernel = kernel;
      return 0;
    }
#endif
  return notFound;
}

int cuFuncGetAttribute(int *value, int attribute, Function *function) {
  Call call("cuFuncGetAttribute", true);
  *value = attribute == 1 ? sharedFixed : function->dynamicShared;
  return call.error ? call.error : attribute == 1 || attribute == 8 ? 0 : invalidValue;
}

int cuFuncSetAttribute(Function *function, int attribute, int value) {
  Call call("cuFuncSetAttribute", true);
  if (call.error || attribute != 8 || value < 0 || value > sharedOptIn - sharedFixed)
    return call.error ? call.error : invalidValue;
  function->dynamicShared = value;
  return 0;
}

int cuMemAlloc_v2(Pointer *memory, size_t bytes) {
  Call call("cuMemAlloc_v2", true);
  State &s = state();
  const char *variable = std::getenv("TENON_MOCK_MEMORY");
  const size_t limit = variable ? std::strtoull(variable, nullptr, 10) : size_t(1) << 30;
  if (call.error || bytes == 0)
    return call.error ? call.error : invalidValue;
  if (bytes > limit || s.used > limit - bytes)
    return outOfMemory;
  char *made = static_cast<char *>(std::aligned_alloc(512, (bytes + 511) / 512 * 512));
  std::memset(made, 0xff, bytes); // NaN
  s.memory[made] = bytes;
  s.used += bytes;
  *memory = reinterpret_cast<Pointer>(made);
  return 0;
}

int cuMemFree_v2(Pointer memory) {
  Call call("cuMemFree_v2", true);
  State &s = state();
  auto found = s.memory.find(reinterpret_cast<char *>(memory));
  if (found == s.memory.end()) {
    s.violate("memory is freed twice, or is none");
    return invalidValue;
  }
  s.used -= found->second;
  std::free(found->first);
  s.memory.erase(found);
  return call.error;
}

int cuMemcpyAsync(Pointer target, Pointer source, size_t bytes, Stream *stream) {
  Call call("cuMemcpyAsync", true);
  if (call.error || !known(state().streams, stream, "stream"))
    return call.error ? call.error : invalidHandle;
  if (stream->captured)
    state().violate("a copy during capture");
  char *to = reinterpret_cast<char *>(target), *from = reinterpret_cast<char *>(source);
  if (!inOnePiece(to, bytes) || !inOnePiece(from, bytes)) {
    state().violate("a copy leaves its allocation");
    return invalidValue;
  }
  stream->work.push_back([=] {
    stream->clock += 1;
    std::memcpy(to, from, bytes);
    return true;
  });
  return 0;
}

/// CUDA_MEMCPY2D, of which only what lies in linear memory of the device is taken.
struct RowCopy {
  size_t sourceX, sourceY;
  int sourceType;
  const void *sourceHost;
  Pointer source;
  void *sourceArray;
  size_t sourcePitch, targetX, targetY;
  int targetType;
  void *targetHost;
  Pointer target;
  void *targetArray;
  size_t targetPitch, bytes, rows;
};

int cuMemcpy2DAsync_v2(const RowCopy *given, Stream *stream) {
  Call call("cuMemcpy2DAsync_v2", true);
  if (call.error || !known(state().streams, stream, "stream"))
    return call.error ? call.error : invalidHandle;
  const RowCopy copy = *given;
  auto span = [&](size_t pitch) { return copy.rows ? (copy.rows - 1) * pitch + copy.bytes : 0; };
  char *to = reinterpret_cast<char *>(copy.target), *from = reinterpret_cast<char *>(copy.source);
  if (copy.sourceType != 2 || copy.targetType != 2 || copy.sourcePitch < copy.bytes || copy.targetPitch < copy.bytes ||
      !state().owns(to, span(copy.targetPitch)) || !state().owns(from, span(copy.sourcePitch))) {
    state().violate("rows that are not of the device");
    return invalidValue;
  }
  stream->work.push_back([=] {
    for (size_t row = 0; row < copy.rows; ++row)
      std::memcpy(to + row * copy.targetPitch, from + row * copy.sourcePitch, copy.bytes);
    return true;
  });
  return 0;
}

int cuStreamCreate(Stream **stream, unsigned flags) {
  Call call("cuStreamCreate", true);
  if (call.error || flags > 1)
    return call.error ? call.error : invalidValue;
  *stream = new Stream;
  state().streams.insert(*stream);
  return 0;
}

int cuStreamDestroy_v2(Stream *stream) {
  Call call("cuStreamDestroy_v2", true);
  if (!known(state().streams, stream, "stream"))
    return invalidHandle;
  if (!stream->work.empty() || stream->captured)
    state().violate("a stream is destroyed before its work has ended");
  state().streams.erase(stream);
  delete stream;
  return call.error;
}

int cuStreamSynchronize(Stream *stream) {
  Call call("cuStreamSynchronize", true);
  if (!known(state().streams, stream, "stream"))
    return invalidHandle;
  if (stream->captured)
    state().violate("a stream is synchronised during capture");
  auto work = std::move(stream->work);
  stream->work.clear();
  if (call.error)
    return call.error;
  call.lock.unlock(); // streams run side by side
  for (const auto &step : work)
    if (!step()) {
      call.lock.lock();
      return state().sticky = illegalAddress;
    }
  return 0;
}

int cuLaunchKernel(Function *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned shared, Stream *stream, void **arguments, void **extra) {
  Call call("cuLaunchKernel", true);
  State &s = state();
  if (call.error || !known(s.streams, stream, "stream"))
    return call.error ? call.error : invalidHandle;
  const uint64_t threads = uint64_t(blockX) * blockY * blockZ;
  if (gridX == 0 || gridX > 0x7fffffff || gridY != 1 || gridZ != 1 || threads == 0 || threads > 1024 || extra ||
      int64_t(shared) > function->dynamicShared)
    return invalidValue;
  if (!stream->captured)
    s.report.launches.push_back(function->name + "<<<" + std::to_string(gridX) + ", " + std::to_string(threads) + ", " +
                                std::to_string(shared) + ">>>");
#ifdef TENON_TEST_VGPU
  if (function->kernel.trampoline)
    return stream->captured ? notSupported
                            : launchVirtual(*function, gridX, unsigned(threads), shared, *stream, arguments, call.lock);
#endif
  auto work = body(function->name, gridX, arguments);
  (stream->captured ? *stream->captured : stream->work).push_back([=] {
    stream->clock += 10 + 0.1 * gridX;
    return work();
  });
  return 0;
}

int cuEventCreate(Event **event, unsigned flags) {
  Call call("cuEventCreate", true);
  if (call.error || flags > 3)
    return call.error ? call.error : invalidValue;
  *event = new Event;
  state().events.insert(*event);
  return 0;
}

int cuEventRecord(Event *event, Stream *stream) {
  Call call("cuEventRecord", true);
  if (call.error || !known(state().events, event, "event") || !known(state().streams, stream, "stream"))
    return call.error ? call.error : invalidHandle;
  if (stream->captured)
    state().violate("an event is recorded during capture");
  event->time = -1;
  stream->work.push_back([=] {
    event->time = stream->clock;
    return true;
  });
  return 0;
}

int cuEventElapsedTime(float *milliseconds, Event *first, Event *second) {
  Call call("cuEventElapsedTime", true);
  if (call.error || !known(state().events, first, "event") || !known(state().events, second, "event"))
    return call.error ? call.error : invalidHandle;
  if (first->time < 0 || second->time < 0)
    return notReady;
  *milliseconds = float((second->time - first->time) * 1e-3);
  return 0;
}

int cuEventDestroy_v2(Event *event) {
  Call call("cuEventDestroy_v2", true);
  if (!known(state().events, event, "event"))
    return invalidHandle;
  state().events.erase(event);
  delete event;
  return call.error;
}

/// The opaque bytes are the address.
int cuTensorMapEncodeTiled(void *map, int type, unsigned rank, void *data, const unsigned long long *extents,
                           const unsigned long long *strides, const unsigned *box, const unsigned *elementStrides,
                           int interleave, int swizzle, int promotion, int fill) {
  Call call("cuTensorMapEncodeTiled", false);
  if (call.error)
    return call.error;
#ifdef TENON_TEST_VGPU
  if (type == 6 || type == 9) { // f16, bf16: for kernels of the virtual GPU
    tenon::vgpu::TensorMapDescription tensor;
    tensor.base = data;
    tensor.rank = rank;
    for (unsigned d = 0; d < rank && d < 5; ++d) {
      tensor.extents[d] = extents[d];
      tensor.box[d] = box[d];
      if (d > 0)
        tensor.strides[d - 1] = strides[d - 1];
    }
    tensor.swizzle = static_cast<tenon::vgpu::TensorSwizzle>(swizzle);
    return tenon::vgpu::encodeTensorMap(tensor, map).empty() ? 0 : invalidValue;
  }
#endif
  const bool good = reinterpret_cast<uintptr_t>(map) % 64 == 0 && reinterpret_cast<uintptr_t>(data) % 16 == 0 &&
                    type == 7 && rank == 2 && extents[0] == 4 && extents[1] > 0 && strides[0] == 16 && box[0] == 4 &&
                    box[1] == 1 && elementStrides[0] == 1 && elementStrides[1] == 1 && interleave == 0 &&
                    swizzle == 0 && promotion <= 3 && fill == 0;
  if (!good)
    return invalidValue;
  std::memcpy(map, &data, sizeof(data));
  return 0;
}

int cuStreamBeginCapture_v2(Stream *stream, int mode) {
  Call call("cuStreamBeginCapture_v2", true);
  if (call.error || !known(state().streams, stream, "stream") || stream->captured || mode > 2)
    return call.error ? call.error : invalidHandle;
  stream->captured = new Work;
  state().graphs.insert(stream->captured);
  return 0;
}

int cuStreamEndCapture(Stream *stream, Work **graph) {
  Call call("cuStreamEndCapture", true);
  if (!known(state().streams, stream, "stream") || !stream->captured)
    return invalidHandle;
  Work *captured = stream->captured;
  stream->captured = nullptr;
  if (call.error) {
    state().graphs.erase(captured);
    delete captured;
    return call.error;
  }
  *graph = captured;
  return 0;
}

int cuGraphInstantiateWithFlags(Work **exec, Work *graph, unsigned long long) {
  Call call("cuGraphInstantiateWithFlags", true);
  if (call.error || !known(state().graphs, graph, "graph"))
    return call.error ? call.error : invalidHandle;
  *exec = new Work(*graph);
  state().graphs.insert(*exec);
  return 0;
}

int cuGraphLaunch(Work *exec, Stream *stream) {
  Call call("cuGraphLaunch", true);
  if (call.error || !known(state().graphs, exec, "graph") || !known(state().streams, stream, "stream"))
    return call.error ? call.error : invalidHandle;
  stream->work.insert(stream->work.end(), exec->begin(), exec->end());
  return 0;
}

static int destroyGraph(const char *name, Work *graph) {
  Call call(name, false);
  if (!known(state().graphs, graph, "graph"))
    return invalidHandle;
  state().graphs.erase(graph);
  delete graph;
  return call.error;
}
int cuGraphExecDestroy(Work *exec) { return destroyGraph("cuGraphExecDestroy", exec); }
int cuGraphDestroy(Work *graph) { return destroyGraph("cuGraphDestroy", graph); }

#pragma GCC visibility pop
} // extern "C"
