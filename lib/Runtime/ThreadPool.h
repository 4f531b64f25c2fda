//===- ThreadPool.h - Runs the work groups of a launch on several threads -===//
#ifndef TENON_LIB_RUNTIME_THREADPOOL_H
#define TENON_LIB_RUNTIME_THREADPOOL_H

#include "tenon/Plan/Status.h"
#include "tenon/Runtime/CpuKernel.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tenon::runtime {

/// What one launch passes to its kernel.
struct KernelCall {
  TenonCpuKernel kernel = nullptr;
  void *const *buffers = nullptr;
  const int64_t *params = nullptr;
  int64_t grid = 0;
  char *scratch = nullptr;  ///< of thread 0; thread i uses scratch + i * scratchStride
  size_t scratchStride = 0; ///< bytes
};

/// A fixed set of threads that share the work groups of one launch at a time. The caller takes part. Threads join a
/// launch only while it is open, so a launch never waits for a thread that has not woken up yet. A second caller that
/// comes while a launch runs does its groups alone: both make progress and neither waits.
class ThreadPool {
public:
  /// A pool of `threads` threads, the caller's included. TN7015 where they cannot be started.
  static Expected<std::unique_ptr<ThreadPool>> create(unsigned threads);
  ~ThreadPool();

  /// Runs all groups of the call and returns when they are done. Thread-safe.
  void run(const KernelCall &call);
  unsigned threads() const { return unsigned(workers.size()) + 1; }

private:
  explicit ThreadPool(bool spin) : spins(spin ? 4000 : 0) {}
  void workerLoop(unsigned index);
  bool join(uint64_t &generation);
  void leave();
  void work(unsigned index);
  bool waitForLaunch(uint64_t generation);
  static void runAlone(const KernelCall &call);

  // The launch: written by its caller while no thread has joined.
  KernelCall current;
  int64_t chunk = 1;
  alignas(64) std::atomic<int64_t> next{0};
  // Generation in the high half, then one bit "open", then the number of joined workers.
  alignas(64) std::atomic<uint64_t> state{0};
  alignas(64) std::atomic<unsigned> sleepers{0};
  std::atomic<bool> stopping{false};

  const unsigned spins;
  std::mutex launching;
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> workers;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_THREADPOOL_H
