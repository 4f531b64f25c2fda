//===- AsyncCopies.cpp - cp.async, and checks of addresses ----------------===//
//
// A copy poisons its target at once and delivers when its group is waited for: the latest moment the hardware allows.
//
//===----------------------------------------------------------------------===//
#include "BlockRunner.h"

#include <algorithm>
#include <cstring>

namespace tenon::vgpu::detail {

void BlockRunner::checkAligned(const void *pointer, unsigned alignment, const char *what) {
  if (reinterpret_cast<uintptr_t>(pointer) % alignment)
    fail("misaligned %s at %p: must be a multiple of %u", what, pointer, alignment);
}

void BlockRunner::checkGlobal(const void *pointer, size_t bytes, const char *what) {
  const std::vector<MemoryRange> &ranges = launch->options.globalMemory;
  if (ranges.empty())
    return;
  auto address = reinterpret_cast<uintptr_t>(pointer);
  auto after = std::upper_bound(ranges.begin(), ranges.end(), address, [](uintptr_t a, const MemoryRange &range) {
    return a < reinterpret_cast<uintptr_t>(range.base);
  });
  if (after != ranges.begin()) {
    const MemoryRange &range = after[-1];
    size_t offset = address - reinterpret_cast<uintptr_t>(range.base);
    if (offset <= range.bytes && bytes <= range.bytes - offset)
      return;
    if (launch->kernel.object->contains(pointer))
      return;
    fail("%s of %zu bytes at offset %zu of an allocation of %zu bytes", what, bytes, offset, range.bytes);
  }
  if (launch->kernel.object->contains(pointer))
    return;
  fail("%s of %zu bytes at %p, outside of every allocation", what, bytes, pointer);
}

void BlockRunner::checkAccess(const void *pointer, unsigned bytes, unsigned alignment, const char *what) {
  checkAligned(pointer, alignment, what);
  // Vectors may also lie in shared memory or on the thread's own stack.
  StackBounds stack = StackPool::bounds(current->slot);
  uintptr_t inStack = reinterpret_cast<uintptr_t>(pointer) - reinterpret_cast<uintptr_t>(stack.bottom);
  if (inStack < stack.size || window.addressOf(pointer, bytes) != SharedWindow::kNone)
    return;
  checkGlobal(pointer, bytes, what);
}

unsigned BlockRunner::sharedAddress(const void *pointer) {
  uint32_t address = window.addressOf(pointer, 0);
  if (address == SharedWindow::kNone)
    fail("%p is not an address of shared memory", pointer);
  return address;
}

void BlockRunner::copyAsync(void *shared, const void *global, unsigned bytes, unsigned valid) {
  checkAligned(shared, bytes, "cp.async target");
  if (valid > bytes)
    fail("cp.async of %u valid bytes out of %u", valid, bytes);
  if (window.addressOf(shared, bytes) == SharedWindow::kNone)
    fail("cp.async writes %u bytes at %p, which is not shared memory", bytes, shared);
  if (valid) {
    checkAligned(global, bytes, "cp.async source");
    checkGlobal(global, valid, "cp.async source");
  }
  memset(shared, 0xff, bytes);
  current->copies.push_back({static_cast<unsigned char *>(shared), static_cast<const unsigned char *>(global), bytes,
                             valid, current->copyGroup});
}

void BlockRunner::copyAsyncCommit() {
  ++current->copyGroup;
  schedulePoint();
}

void BlockRunner::copyAsyncWait(unsigned inFlight) {
  Fiber &me = *current;
  auto isDone = [&](const AsyncCopy &copy) { return copy.group + inFlight < me.copyGroup; };
  size_t kept = 0;
  for (AsyncCopy &copy : me.copies) {
    if (!isDone(copy)) {
      me.copies[kept++] = copy;
      continue;
    }
    if (copy.valid)
      memcpy(copy.shared, copy.global, copy.valid);
    memset(copy.shared + copy.valid, 0, copy.bytes - copy.valid);
  }
  me.copies.resize(kept);
  schedulePoint();
}

} // namespace tenon::vgpu::detail
