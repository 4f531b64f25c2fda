#include "ThreadPool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace tenon::runtime;

namespace {
/// buffers[0]: one counter per group; scratch, where there is one, marks the thread that uses it.
void countGroups(void *const *buffers, const int64_t *, int64_t begin, int64_t end, void *scratch) {
  auto *counts = static_cast<std::atomic<int> *>(buffers[0]);
  if (scratch && static_cast<std::atomic<int> *>(scratch)->fetch_add(1) != 0)
    std::abort(); // two threads use one scratch
  for (int64_t i = begin; i < end; ++i)
    counts[i].fetch_add(1, std::memory_order_relaxed);
  if (scratch)
    static_cast<std::atomic<int> *>(scratch)->fetch_sub(1);
}

void runOnce(ThreadPool &pool, int64_t grid, char *scratch = nullptr) {
  std::vector<std::atomic<int>> counts(size_t(grid) + 1);
  void *buffers[] = {counts.data()};
  pool.run({countGroups, buffers, nullptr, grid, scratch, 64});
  for (int64_t i = 0; i < grid; ++i)
    ASSERT_EQ(counts[size_t(i)], 1) << "group " << i << " of " << grid;
  ASSERT_EQ(counts[size_t(grid)], 0);
}
} // namespace

TEST(ThreadPool, RunsEveryGroupOnce) {
  for (unsigned threads : {1u, 2u, 3u, 8u}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    EXPECT_EQ((*pool)->threads(), threads);
    std::vector<std::atomic<int>> scratch(threads * 16);
    for (int64_t grid : {0, 1, 2, 3, 7, 8, 9, 100, 1000})
      for (int round = 0; round < 20; ++round)
        runOnce(**pool, grid, reinterpret_cast<char *>(scratch.data()));
  }
}

TEST(ThreadPool, ServesManyShortLaunches) {
  auto pool = ThreadPool::create(4);
  ASSERT_TRUE(pool.ok());
  for (int i = 0; i < 5000; ++i)
    runOnce(**pool, 5);
}

TEST(ThreadPool, ServesSeveralCallersAtOnce) {
  auto pool = ThreadPool::create(3);
  ASSERT_TRUE(pool.ok());
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        runOnce(**pool, 1 + i % 50);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST(ThreadPool, StartsAndStopsWithoutWork) {
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(ThreadPool::create(1 + unsigned(i) % 5).ok());
}
