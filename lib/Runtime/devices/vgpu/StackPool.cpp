//===- StackPool.cpp - Stack slots of fibers ------------------------------===//
#include "StackPool.h"

#include <cstdint>
#include <sys/mman.h>

namespace tenon::vgpu::detail {

static constexpr size_t kPage = 4096;
static constexpr size_t kSlotsPerMapping = 32;
static_assert(kSlotColors * kColorBytes <= kPage, "the context fits below the guard page");

StackPool::~StackPool() {
  for (Mapping &mapping : mappings)
    munmap(mapping.base, mapping.bytes);
}

static uintptr_t slotStart(const ThreadContext *context) {
  return reinterpret_cast<uintptr_t>(context) & ~(kSlotBytes - 1);
}

StackBounds StackPool::bounds(const ThreadContext *slot) {
  return {reinterpret_cast<const void *>(slotStart(slot) + 2 * kPage), kSlotBytes - 2 * kPage, nullptr};
}

void *StackPool::top(ThreadContext *slot) {
  // Staggered for the same reason as contexts are.
  uintptr_t start = slotStart(slot), color = start / kSlotBytes % 64;
  return reinterpret_cast<void *>(start + kSlotBytes - color * 320);
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
    (void)mprotect(slot + kPage, kPage, PROT_NONE);
    freeSlots.push_back(contextOf(reinterpret_cast<uintptr_t>(slot)));
  }
  return true;
}

} // namespace tenon::vgpu::detail
