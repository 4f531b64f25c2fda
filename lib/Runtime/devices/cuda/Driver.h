//===- Driver.h - What is needed of the CUDA driver -----------------------===//
//
// Names, types and numbers of the driver API (cuda.h), declared here so that building needs no CUDA toolkit. The
// library is opened when a device is: $TENON_CUDA_DRIVER, else libcuda.so.1. It is never closed.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICES_CUDA_DRIVER_H
#define TENON_LIB_RUNTIME_DEVICES_CUDA_DRIVER_H

#include <cstddef>
#include <string>

namespace tenon::cuda {

using Result = int; ///< CUresult; 0 is success
using Ordinal = int;
using Pointer = unsigned long long; ///< CUdeviceptr
using Context = struct ContextTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;
using Stream = struct StreamTag *;
using Graph = struct GraphTag *;
using GraphExec = struct GraphExecTag *;
using Event = struct EventTag *;

// CUresult
inline constexpr Result outOfMemory = 2, notFound = 500;
// CUdevice_attribute
inline constexpr int maxThreadsPerBlock = 1, capabilityMajor = 75, capabilityMinor = 76, maxSharedPerBlock = 97;
// CUfunction_attribute
inline constexpr int staticShared = 1, maxDynamicShared = 8;
// CUjit_option
inline constexpr int jitErrorLog = 5, jitErrorLogBytes = 6;
// CUstream_flags
inline constexpr unsigned streamNonBlocking = 1;
// CUtensorMapL2promotion: lines of 128 bytes
inline constexpr int promoteLines = 2;
// CUstreamCaptureMode: what other threads do meanwhile is their business.
inline constexpr int captureRelaxed = 2;

/// CUDA_MEMCPY2D.
struct RowCopy {
  size_t sourceX = 0, sourceY = 0;
  int sourceType = ofDevice;
  const void *sourceHost = nullptr;
  Pointer source = 0;
  void *sourceArray = nullptr;
  size_t sourcePitch = 0;
  size_t targetX = 0, targetY = 0;
  int targetType = ofDevice;
  void *targetHost = nullptr;
  Pointer target = 0;
  void *targetArray = nullptr;
  size_t targetPitch = 0;
  size_t bytes = 0, rows = 0;
  static constexpr int ofDevice = 2; ///< CU_MEMORYTYPE_DEVICE
};

/// Functions of the driver. Each needs a current context but for those above pushContext.
struct Driver {
  Result (*init)(unsigned flags) = nullptr;
  Result (*errorString)(Result error, const char **text) = nullptr;
  Result (*errorName)(Result error, const char **text) = nullptr;
  Result (*deviceGet)(Ordinal *device, int index) = nullptr;
  Result (*deviceCount)(int *count) = nullptr;
  Result (*deviceName)(char *name, int bytes, Ordinal device) = nullptr;
  Result (*deviceAttribute)(int *value, int attribute, Ordinal device) = nullptr;
  Result (*retainContext)(Context *context, Ordinal device) = nullptr;
  Result (*releaseContext)(Ordinal device) = nullptr;
  Result (*pushContext)(Context context) = nullptr;
  Result (*popContext)(Context *context) = nullptr;
  Result (*loadModule)(Module *module, const void *image, unsigned numOptions, int *options, void **values) = nullptr;
  Result (*unloadModule)(Module module) = nullptr;
  Result (*moduleFunction)(Function *function, Module module, const char *name) = nullptr;
  Result (*functionAttribute)(int *value, int attribute, Function function) = nullptr;
  Result (*setFunctionAttribute)(Function function, int attribute, int value) = nullptr;
  Result (*allocate)(Pointer *memory, size_t bytes) = nullptr;
  Result (*release)(Pointer memory) = nullptr;
  Result (*copyAsync)(Pointer target, Pointer source, size_t bytes, Stream stream) = nullptr;
  Result (*copyRowsAsync)(const RowCopy *copy, Stream stream) = nullptr;
  Result (*createStream)(Stream *stream, unsigned flags) = nullptr;
  Result (*destroyStream)(Stream stream) = nullptr;
  Result (*synchronize)(Stream stream) = nullptr;
  Result (*createEvent)(Event *event, unsigned flags) = nullptr;
  Result (*recordEvent)(Event event, Stream stream) = nullptr;
  Result (*elapsed)(float *milliseconds, Event first, Event second) = nullptr;
  Result (*destroyEvent)(Event event) = nullptr;
  Result (*launch)(Function function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned sharedBytes, Stream stream, void **arguments, void **extra) = nullptr;

  /// Absent before CUDA 12.
  Result (*encodeTensorMap)(void *map, int type, unsigned rank, void *data, const unsigned long long *extents,
                            const unsigned long long *strides, const unsigned *box, const unsigned *elementStrides,
                            int interleave, int swizzle, int promotion, int fill) = nullptr;
  Result (*beginCapture)(Stream stream, int mode) = nullptr;
  Result (*endCapture)(Stream stream, Graph *graph) = nullptr;
  Result (*instantiate)(GraphExec *exec, Graph graph, unsigned long long flags) = nullptr;
  Result (*launchGraph)(GraphExec exec, Stream stream) = nullptr;
  Result (*destroyExec)(GraphExec exec) = nullptr;
  Result (*destroyGraph)(Graph graph) = nullptr;

  /// Opens the library and calls cuInit. Returns why that failed, or an empty string.
  std::string open();
  /// "out of memory (CUDA_ERROR_OUT_OF_MEMORY)"; empty for success.
  std::string describe(Result result) const;
};

} // namespace tenon::cuda

#endif // TENON_LIB_RUNTIME_DEVICES_CUDA_DRIVER_H
