//===- Launch.h - What the workers of one launch share --------------------===//
#ifndef TENON_VGPU_LAUNCH_H
#define TENON_VGPU_LAUNCH_H

#include "tenon/Runtime/Vgpu.h"

#include <atomic>
#include <mutex>

namespace tenon::vgpu::detail {

struct Launch {
  Launch(const Kernel &kernel, Dim3 grid, Dim3 block, size_t dynamicShared, void **args, const DeviceLimits &limits,
         const LaunchOptions &options)
      : kernel(kernel), grid(grid), block(block), dynamicShared(dynamicShared), args(args), limits(limits),
        options(options) {}

  const Kernel &kernel;
  Dim3 grid, block;
  size_t dynamicShared;
  void **args;
  const DeviceLimits &limits;
  const LaunchOptions &options;

  std::atomic<uint64_t> nextBlock{0};
  std::atomic<bool> failed{false};

  unsigned threads() const { return block.x * block.y * block.z; }
  uint64_t blocks() const { return static_cast<uint64_t>(grid.x) * grid.y * grid.z; }

  /// Keeps the first error of any worker.
  void fail(const char *text) {
    std::lock_guard<std::mutex> lock(mutex);
    if (error.empty())
      error = text;
    failed = true;
  }
  std::string takeError() { return std::move(error); }

private:
  std::mutex mutex;
  std::string error;
};

/// A shared object, as dlopen gave it.
struct LoadedObject {
  void *handle = nullptr;
  /// The file in memory that it came from, or -1. Stays open: its number is the name by which the loader would
  /// otherwise take the next object for this one.
  int file = -1;
  void *(*anchor)() = nullptr;
  LoadedObject() = default;
  LoadedObject(const LoadedObject &) = delete;
  LoadedObject &operator=(const LoadedObject &) = delete;
  ~LoadedObject();

  /// The calling thread's copy of the object's __shared__ variables: base and bytes.
  struct Shared {
    unsigned char *base = nullptr;
    size_t bytes = 0;
  };
  Shared sharedVariables() const;
  /// Whether `pointer` leads to the object's own data: __constant__ variables, string literals.
  bool contains(const void *pointer) const;
};

/// Small, fast, and the same everywhere (Steele, Lea, Flood: SplitMix).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// 0 to bound - 1.
  unsigned below(unsigned bound) { return static_cast<unsigned>((next() >> 32) * bound >> 32); }
  bool oneIn(unsigned n) { return below(n) == 0; }

private:
  uint64_t state;
};

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_LAUNCH_H
