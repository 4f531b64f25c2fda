//===- ThreadPool.cpp - Runs the work groups of a launch on several threads ===//
#include "ThreadPool.h"

#include "tenon/Runtime/CpuInfo.h"

#include <algorithm>
#include <system_error>

namespace tenon::runtime {

static constexpr uint64_t openBit = uint64_t(1) << 31;
static constexpr uint64_t joinedMask = openBit - 1;
static constexpr uint64_t generationStep = uint64_t(1) << 32;
// Each thread takes about this many pieces of a launch, so that a thread that lags costs an eighth of its share.
static constexpr int64_t piecesPerThread = 8;

static uint64_t generationOf(uint64_t state) { return state / generationStep; }

static void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

Expected<std::unique_ptr<ThreadPool>> ThreadPool::create(unsigned threads) {
  // Spinning takes the core from the thread that has work where there are more threads than cores.
  std::unique_ptr<ThreadPool> pool(new ThreadPool(threads <= cpuCores()));
  try {
    for (unsigned i = 1; i < threads; ++i)
      pool->workers.emplace_back(&ThreadPool::workerLoop, pool.get(), i);
  } catch (const std::system_error &) {
    return Status::error("TN7015", "only " + std::to_string(pool->threads()) + " of " + std::to_string(threads) +
                                       " threads could be started");
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::runAlone(const KernelCall &call) {
  call.kernel(call.buffers, call.params, 0, call.grid, call.scratch);
}

void ThreadPool::run(const KernelCall &call) {
  if (call.grid <= 0)
    return;
  if (call.grid == 1 || workers.empty())
    return runAlone(call);
  std::unique_lock owner(launching, std::try_to_lock);
  if (!owner)
    return runAlone(call);

  current = call;
  chunk = std::max<int64_t>(1, call.grid / (int64_t(threads()) * piecesPerThread));
  next.store(0, std::memory_order_relaxed);
  const uint64_t before = state.load(std::memory_order_relaxed);
  state.store((generationOf(before) + 1) * generationStep | openBit);
  if (sleepers.load() != 0) {
    {
      std::lock_guard lock(mutex);
    }
    wake.notify_all();
  }
  work(0);

  // Close, so that nobody joins any more, and wait for those who did.
  state.fetch_and(~openBit);
  for (unsigned i = 0; i < spins && (state.load(std::memory_order_acquire) & joinedMask) != 0; ++i)
    pause();
  if ((state.load(std::memory_order_acquire) & joinedMask) != 0) {
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return (state.load() & joinedMask) == 0; });
  }
}

void ThreadPool::work(unsigned index) {
  void *scratch = current.scratch ? current.scratch + index * current.scratchStride : nullptr;
  const int64_t grid = current.grid, step = chunk;
  for (int64_t begin; (begin = next.fetch_add(step, std::memory_order_relaxed)) < grid;)
    current.kernel(current.buffers, current.params, begin, std::min(grid, begin + step), scratch);
}

/// Joins the open launch unless this worker has seen its generation.
bool ThreadPool::join(uint64_t &generation) {
  uint64_t seen = state.load(std::memory_order_acquire);
  while ((seen & openBit) != 0 && generationOf(seen) != generation) {
    if (state.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      generation = generationOf(seen);
      return true;
    }
  }
  return false;
}

void ThreadPool::leave() {
  const uint64_t before = state.fetch_sub(1);
  if ((before & openBit) == 0 && (before & joinedMask) == 1) {
    {
      std::lock_guard lock(mutex);
    }
    done.notify_one();
  }
}

/// Spins, then sleeps until there is a launch of another generation. False at the end.
bool ThreadPool::waitForLaunch(uint64_t generation) {
  auto ready = [&] {
    const uint64_t seen = state.load();
    return stopping || ((seen & openBit) != 0 && generationOf(seen) != generation);
  };
  for (unsigned i = 0; i < spins; ++i) {
    if (ready())
      return !stopping;
    pause();
  }
  std::unique_lock lock(mutex);
  ++sleepers;
  wake.wait(lock, ready);
  --sleepers;
  return !stopping;
}

void ThreadPool::workerLoop(unsigned index) {
  uint64_t generation = 0;
  while (waitForLaunch(generation)) {
    if (!join(generation))
      continue;
    work(index);
    leave();
  }
}

} // namespace tenon::runtime
