//===- PagesTest.cpp - What is given back comes back -----------------------===//
#include "tenon/Support/Pages.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

using namespace tenon;

/// Pages of `bytes` that are mapped in this process.
static size_t countResident(llvm::ArrayRef<char> bytes) {
  std::FILE *file = std::fopen("/proc/self/pagemap", "rb");
  size_t count = 0;
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  for (auto at = reinterpret_cast<uintptr_t>(bytes.begin()) / page;
       at < reinterpret_cast<uintptr_t>(bytes.end()) / page; ++at) {
    uint64_t entry = 0;
    if (file && std::fseek(file, long(at * sizeof(entry)), SEEK_SET) == 0 &&
        std::fread(&entry, sizeof(entry), 1, file) == 1)
      count += entry >> 63;
  }
  if (file)
    std::fclose(file);
  return count;
}

TEST(Pages, of_a_mapped_file_go_and_come_back) {
  llvm::SmallString<128> path;
  int file = -1;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("pages", "bin", file, path));
  const std::string bytes(4 << 20, 'x');
  ASSERT_EQ(write(file, bytes.data(), bytes.size()), ssize_t(bytes.size()));
  void *mapped = mmap(nullptr, bytes.size(), PROT_READ, MAP_PRIVATE, file, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const llvm::ArrayRef<char> view(static_cast<const char *>(mapped), bytes.size());
  EXPECT_TRUE(view == llvm::ArrayRef<char>(bytes.data(), bytes.size()));
  EXPECT_GT(countResident(view), 0u);
  releaseFilePages(view.drop_front(1)); // not whole pages
  EXPECT_LE(countResident(view), 1u);
  EXPECT_TRUE(view == llvm::ArrayRef<char>(bytes.data(), bytes.size()));
  munmap(mapped, bytes.size());
  close(file);
  llvm::sys::fs::remove(path);
}

TEST(Pages, of_other_memory_stay) {
  std::vector<char> heap(8 << 20, 'h');
  releaseFilePages(heap);
  EXPECT_TRUE(llvm::all_of(heap, [](char c) { return c == 'h'; }));
  releaseIdlePages();
  EXPECT_TRUE(llvm::all_of(heap, [](char c) { return c == 'h'; }));
}
