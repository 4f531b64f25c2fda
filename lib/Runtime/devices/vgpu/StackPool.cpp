//===- StackPool.cpp - Stack slots of fibers ------------------------------===//
#include "StackPool.h"

#include <cstdint>
#include <sys/mman.h>

namespace tenon::vgpu::detail {

static constexpr size_t kPage = 4096;
static constexpr size_t kSlotsPerMapping = 32;
static_assert(kContextBytes % 64 == 0 && kColorBytes % 64 == 0, "stacks are aligned to 64 bytes");

StackPool::~StackPool() {
  for (Mapping &mapping : mappings)
    munmap(mapping.base, mapping.bytes);
}

StackBounds StackPool::bounds(const ThreadContext *slot) {
  uintptr_t top = reinterpret_cast<uintptr_t>(slot), bottom = (top & ~(kSlotBytes - 1)) + kPage;
  return {reinterpret_cast<const void *>(bottom), top - bottom, nullptr};
}

ThreadContext *StackPool::take() {
  if (freeSlots.empty() && !grow())
    return nullptr;
  ThreadContext *slot = freeSlots.back();
  freeSlots.pop_back();
  return slot;
}

bool StackPool::grow() {
  // One slot more than needed, to find an aligned start.
  size_t bytes = (kSlotsPerMapping + 1) * kSlotBytes;
  void *base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return false;
  mappings.push_back({base, bytes});
  uintptr_t first = (reinterpret_cast<uintptr_t>(base) + kSlotBytes - 1) & ~(kSlotBytes - 1);
  for (size_t i = 0; i < kSlotsPerMapping; ++i) {
    char *slot = reinterpret_cast<char *>(first + i * kSlotBytes);
    // Without its guard page a slot still works: an overflow is then not noticed.
    (void)mprotect(slot, kPage, PROT_NONE);
    freeSlots.push_back(contextOf(reinterpret_cast<uintptr_t>(slot)));
  }
  return true;
}

} // namespace tenon::vgpu::detail
