//===- Pages.cpp - Pages of mapped files ----------------------------------===//
#include "tenon/Support/Pages.h"

#include "llvm/Support/MathExtras.h"
#include <cstdint>
#include <cstdio>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/// Whether [begin, end) lies in one mapping of a file that cannot be written through: what is there is in the file.
/// Asks the kernel (proc(5), maps), since heap memory must not be mistaken for such.
static bool isMappedForReading(uintptr_t begin, uintptr_t end) {
  std::FILE *maps = std::fopen("/proc/self/maps", "r");
  if (!maps)
    return false;
  bool found = false;
  char line[512], permissions[5] = {};
  bool startsLine = true;
  while (!found && std::fgets(line, sizeof(line), maps)) {
    uint64_t low = 0, high = 0, offset = 0, inode = 0;
    unsigned major = 0, minor = 0;
    const bool isHead = startsLine;
    startsLine = llvm::StringRef(line).ends_with("\n");
    if (isHead &&
        std::sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &low, &high, permissions, &offset, &major, &minor, &inode) == 7)
      found = low <= begin && end <= high && inode != 0 && llvm::StringRef(permissions) == "r--p";
  }
  std::fclose(maps);
  return found;
}

void tenon::releaseFilePages(llvm::ArrayRef<char> bytes) {
  constexpr size_t least = 1 << 20;
  if (bytes.size() < least)
    return;
  const auto page = uintptr_t(sysconf(_SC_PAGESIZE));
  const auto begin = uintptr_t(llvm::alignTo(reinterpret_cast<uintptr_t>(bytes.begin()), page));
  const auto end = uintptr_t(llvm::alignDown(reinterpret_cast<uintptr_t>(bytes.end()), page));
  if (begin < end && isMappedForReading(begin, end))
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

/// Only segments that the loader maps without the right to write: no relocation has changed what the file has.
static int releaseSegments(dl_phdr_info *object, size_t, void *) {
  const auto page = uintptr_t(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto &segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W))
      continue;
    const auto begin = uintptr_t(llvm::alignTo(object->dlpi_addr + segment.p_vaddr, page));
    const auto end = uintptr_t(llvm::alignDown(object->dlpi_addr + segment.p_vaddr + segment.p_filesz, page));
    if (begin < end)
      madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

void tenon::releaseIdlePages() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  dl_iterate_phdr(releaseSegments, nullptr);
}
