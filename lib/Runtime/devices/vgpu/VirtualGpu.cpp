//===- VirtualGpu.cpp - Launches ------------------------------------------===//
#include "BlockRunner.h"

#include <algorithm>
#include <new>
#include <thread>

namespace tenon::vgpu {

namespace detail {

/// Runners that no launch is using.
class WorkerPool {
public:
  std::unique_ptr<BlockRunner> take() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!idle.empty()) {
        auto runner = std::move(idle.back());
        idle.pop_back();
        return runner;
      }
    }
    return std::make_unique<BlockRunner>();
  }
  void give(std::unique_ptr<BlockRunner> runner) {
    std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(runner));
  }

private:
  std::mutex mutex;
  std::vector<std::unique_ptr<BlockRunner>> idle;
};

} // namespace detail

using detail::BlockRunner;
using detail::Launch;

VirtualGpu::VirtualGpu(DeviceLimits limits) : deviceLimits(limits), pool(std::make_unique<detail::WorkerPool>()) {
  if (deviceLimits.workers == 0)
    deviceLimits.workers = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
}
VirtualGpu::~VirtualGpu() = default;

static std::string text(Dim3 d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}

/// What cuLaunchKernel refuses.
static std::string checkConfiguration(const Launch &launch) {
  const DeviceLimits &limits = launch.limits;
  Dim3 grid = launch.grid, block = launch.block;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
    return "grid " + text(grid) + " is outside of 1 to (2147483647,65535,65535)";
  if (block.x == 0 || block.y == 0 || block.z == 0 || block.x > 1024 || block.y > 1024 || block.z > 64)
    return "block " + text(block) + " is outside of 1 to (1024,1024,64)";
  if (static_cast<uint64_t>(block.x) * block.y * block.z > limits.threadsPerBlock)
    return "block " + text(block) + " has more than " + std::to_string(limits.threadsPerBlock) + " threads";
  size_t statics = launch.kernel.object->sharedVariables().bytes;
  if (statics > limits.staticShared)
    return std::to_string(statics) + " bytes of __shared__ variables, more than " + std::to_string(limits.staticShared);
  if (launch.dynamicShared > limits.sharedPerBlock || statics > limits.sharedPerBlock - launch.dynamicShared)
    return std::to_string(statics) + " bytes of __shared__ variables and " + std::to_string(launch.dynamicShared) +
           " of dynamic shared memory, more than " + std::to_string(limits.sharedPerBlock);
  return {};
}

static void runAll(Launch &launch, detail::WorkerPool &pool) {
  uint64_t workers = std::min<uint64_t>(launch.limits.workers, launch.blocks());
  auto work = [&] {
    try {
      std::unique_ptr<BlockRunner> runner = pool.take();
      runner->run(launch);
      pool.give(std::move(runner));
    } catch (const std::exception &) {
      launch.fail("the virtual GPU is out of memory");
    }
  };
  std::vector<std::thread> threads;
  try {
    for (uint64_t i = 1; i < workers; ++i)
      threads.emplace_back(work);
  } catch (const std::exception &) {
    // Fewer threads do the same work.
  }
  work();
  for (std::thread &thread : threads)
    thread.join();
}

std::string VirtualGpu::launch(const Kernel &kernel, Dim3 grid, Dim3 block, size_t dynamicShared, void **args,
                               const LaunchOptions &options) try {
  if (!kernel.trampoline)
    return "kernel '" + kernel.name + "' was not found; is it declared with TENON_KERNEL(" + kernel.name + ")?";
  Launch launch(kernel, grid, block, dynamicShared, args, deviceLimits, options);
  if (std::string problem = checkConfiguration(launch); !problem.empty())
    return "kernel '" + kernel.name + "': " + problem;
  runAll(launch, *pool);
  return launch.takeError();
} catch (const std::exception &) {
  return "the virtual GPU is out of memory";
}

} // namespace tenon::vgpu
