//===- Vgpu.h - The virtual GPU: CUDA kernels on the host -----------------===//
//
// Runs kernels that were written in CUDA C++ against include/tenon/cuda and compiled for the host
// (tenon/Runtime/DeviceHeaders.h says how): one fiber per CUDA thread, blocks on a few OS threads. Asynchronous
// operations are deferred and their targets poisoned with NaN, and a seed chooses the order in which warps run, so that
// missing synchronisation shows. docs/Vgpu.md says what is modelled and what cannot be.
//
// Nothing here throws. A message of length zero is success.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_VGPU_H
#define TENON_RUNTIME_VGPU_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tenon::vgpu {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

/// What a launch may use; the defaults are sm_90's.
struct DeviceLimits {
  unsigned threadsPerBlock = 1024;
  size_t sharedPerBlock = 227 * 1024; ///< bytes, static and dynamic together
  size_t staticShared = 48 * 1024;    ///< bytes of __shared__ variables
  unsigned workers = 0;               ///< OS threads; 0: as many as cores, at most 4
};

/// Global memory that a kernel may touch.
struct MemoryRange {
  const void *base;
  size_t bytes;
};

/// How a tensor map permutes 16-byte chunks of shared memory within lines of so many bytes.
enum class TensorSwizzle : unsigned { None, Bytes32, Bytes64, Bytes128 };

/// What cuTensorMapEncodeTiled takes (no interleave, element strides of 1).
struct TensorMapDescription {
  void *base = nullptr;      ///< aligned to 16
  unsigned elementBytes = 2; ///< 1, 2, 4 or 8
  unsigned rank = 1;         ///< 1 to 5
  uint64_t extents[5] = {};  ///< elements, innermost first
  uint64_t strides[4] = {};  ///< bytes, of dimensions 1 and up; multiples of 16
  uint32_t box[5] = {};      ///< elements, at most 256; a row of 16 bytes or a multiple, at most the swizzle's span
  TensorSwizzle swizzle = TensorSwizzle::None;
  bool fillNaN = false; ///< outside of the tensor lies NaN, not zero
};

/// Fills the 128 bytes at `map` (aligned to 64) that a kernel takes as tenon::device::TensorMap. Returns which of the
/// hardware's rules the description breaks, or an empty string.
std::string encodeTensorMap(const TensorMapDescription &tensor, void *map);

struct LaunchOptions {
  /// Chooses the schedule; 0 runs warps in order and delivers asynchronous copies as late as possible. A result that
  /// depends on the seed is a race in the kernel.
  uint64_t seed = 0;
  /// Where not empty, every access that the wrappers see must lie in one of these. Sorted by base, disjoint.
  std::vector<MemoryRange> globalMemory;
};

namespace detail {
struct LoadedObject;
class WorkerPool;
} // namespace detail

/// A kernel of a loaded object. Keeps the object loaded.
struct Kernel {
  std::shared_ptr<const detail::LoadedObject> object;
  std::string name;
  void (*trampoline)(void **args) = nullptr;
};

/// A shared object that a host compiler made of kernels.
class Module {
public:
  /// Loads `bytes` of an object, or the file `path`. On failure the module is empty and `error` says why.
  static Module load(const void *bytes, size_t size, std::string &error);
  static Module load(const std::string &path, std::string &error);

  explicit operator bool() const { return object != nullptr; }
  /// The kernel declared with TENON_KERNEL(name); without trampoline where there is none.
  Kernel find(const std::string &name) const;

private:
  std::shared_ptr<const detail::LoadedObject> object;
};

/// Launches kernels. Keeps stacks and shared memory between launches; may be used by several threads at a time, each
/// launch then has workers of its own.
class VirtualGpu {
public:
  explicit VirtualGpu(DeviceLimits limits = {});
  ~VirtualGpu();
  VirtualGpu(const VirtualGpu &) = delete;
  VirtualGpu &operator=(const VirtualGpu &) = delete;

  const DeviceLimits &limits() const { return deviceLimits; }

  /// Runs a whole grid and returns when it has ended. `args[i]` points to the i-th argument of the kernel, as for
  /// cuLaunchKernel. Returns what went wrong first, or an empty string: the kernel, block and thread, the violation
  /// (misaligned access, over-arrival, ...), or for a deadlock who waits on what. After an error, the contents of
  /// global memory are unspecified. A kernel that loops for ever without calling a wrapper hangs the launch.
  std::string launch(const Kernel &kernel, Dim3 grid, Dim3 block, size_t dynamicShared, void **args,
                     const LaunchOptions &options = {});

private:
  DeviceLimits deviceLimits;
  std::unique_ptr<detail::WorkerPool> pool;
};

} // namespace tenon::vgpu

#endif // TENON_RUNTIME_VGPU_H
