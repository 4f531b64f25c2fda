//===- StackPool.h - Stack slots of fibers --------------------------------===//
//
// A slot is kSlotBytes long and aligned to its size: a guard page, the stack, which grows down towards it, and above
// the stack the thread's context, in the same page where possible. Pages are only committed when used.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_VGPU_STACKPOOL_H
#define TENON_VGPU_STACKPOOL_H

#include "ContextSwitch.h"
#include "tenon/cuda/emulator_abi.cuh"

#include <vector>

namespace tenon::vgpu::detail {

class StackPool {
public:
  StackPool() = default;
  ~StackPool();
  StackPool(const StackPool &) = delete;
  StackPool &operator=(const StackPool &) = delete;

  /// A free slot, most recently used first; null where the system gives no memory.
  ThreadContext *take();
  void give(ThreadContext *slot) { freeSlots.push_back(slot); }

  static StackBounds bounds(const ThreadContext *slot);
  /// The address from which the stack grows down, aligned to 64 bytes.
  static void *top(ThreadContext *slot) { return slot; }

private:
  bool grow();

  struct Mapping {
    void *base;
    size_t bytes;
  };
  std::vector<Mapping> mappings;
  std::vector<ThreadContext *> freeSlots;
};

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_STACKPOOL_H
