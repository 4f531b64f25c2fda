//===- Memory.cpp - Page-aligned memory of the executor -------------------===//
#include "Memory.h"

#include "Device.h"
#include "tenon/Plan/Checked.h"

#include <sys/mman.h>

namespace tenon::runtime {

static constexpr size_t hugePage = size_t(1) << 21;
static constexpr int64_t maxBytes = int64_t(1) << 46;

bool Memory::reserve(int64_t bytes) {
  if (bytes < 0 || bytes > maxBytes)
    return false;
  if (size_t(bytes) <= size)
    return true;
  release();
  const size_t rounded = alignUp(size_t(bytes), size_t(bytes) >= hugePage ? hugePage : size_t(4096));
  void *memory = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
#ifdef MADV_HUGEPAGE
  if (rounded >= hugePage)
    (void)madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  base = memory;
  size = rounded;
  return true;
}

void Memory::release() {
  if (base)
    munmap(base, size);
  base = nullptr;
  size = 0;
}

namespace {
class HostMemory final : public DeviceMemory {
public:
  bool reserve(int64_t bytes) {
    const bool enough = memory.reserve(bytes);
    base = memory.data();
    return enough;
  }

private:
  Memory memory;
};
} // namespace

std::unique_ptr<DeviceMemory> allocateHostMemory(int64_t bytes) {
  auto memory = std::make_unique<HostMemory>();
  return memory->reserve(bytes) ? std::move(memory) : nullptr;
}

} // namespace tenon::runtime
