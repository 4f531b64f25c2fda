//===- Executor.h - Runs the steps of an instance -------------------------===//
#ifndef TENON_LIB_RUNTIME_EXECUTOR_H
#define TENON_LIB_RUNTIME_EXECUTOR_H

#include "Device.h"
#include "Instance.h"
#include "Memory.h"
#include "Program.h"

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace tenon::runtime {

/// Launches of one instance that were recorded with the addresses of one arena.
struct RecordedRuns {
  /// A run of steps, the first of which is `begin`.
  struct Run {
    size_t begin, end;
    std::unique_ptr<Recording> recording;
  };
  std::shared_ptr<const Instance> instance; ///< kept, so that its address is its identity
  bool isRecorded = false;                  ///< the first time all is launched one by one
  std::vector<Run> runs;                    ///< in the order of steps
};

/// Runs steps in order on a device. Thread-safe: each run under way has memory of its own, which later runs reuse.
class Executor {
public:
  /// `host` runs the kernels of the host; null where there are none, or `device` takes all.
  Executor(const plan::Container &container, const Program &program, Device &device, Device *host)
      : container(container), program(program), device(device), host(host) {}

  /// `inputs` and `outputs` in model order, with the extents of the instance. TN7011 where memory is short.
  /// `communicator` is for collectives, null where the program has none.
  Status run(const std::shared_ptr<const Instance> &instance, std::span<const Tensor> inputs,
             std::span<const Tensor> outputs, Profile *profile, Communicator *communicator = nullptr);

private:
  struct Arena {
    std::unique_ptr<DeviceMemory> memory;
    int64_t bytes = 0;
    char *data() const { return memory ? memory->data() : nullptr; }
  };
  struct Scratch {
    Memory memory;
    size_t stride = 0; ///< bytes from one thread's to the next one's
  };
  /// What one run needs for itself.
  struct Context {
    std::unique_ptr<Queue> queue, hostQueue;
    Arena arena, hostArena;
    Scratch scratch, hostScratch;
    Memory exchanged; ///< what collectives read and write, where the device has memory of its own
    Communicator *communicator = nullptr;
    std::vector<char *> bases;
    std::vector<void *> pointers;       ///< one per Program::refs
    std::vector<RecordedRuns> recorded; ///< most recent first; they go before the arena and the queue
  };

  std::unique_ptr<Context> take();
  void giveBack(std::unique_ptr<Context> context);
  static Status reserveArena(Device &device, Arena &arena, int64_t bytes);
  static Status reserveScratch(const Device &device, Scratch &scratch, int64_t bytes);
  Status prepareHost(Context &context, const Instance &instance);
  Status prepare(Context &context, const Instance &instance, std::span<const Tensor> inputs,
                 std::span<const Tensor> outputs);
  Status execute(Context &context, const Instance &instance, size_t index);
  Status executeCollective(Context &context, const CollectiveSizes &collective, void *const *pointers);
  Status executeRange(Context &context, const Instance &instance, size_t begin, size_t end);
  Status executeAll(Context &context, const std::shared_ptr<const Instance> &instance);
  bool isRecordable(const Instance &instance, size_t index) const;
  std::vector<RecordedRuns::Run> findRuns(const Instance &instance) const;
  Status record(Context &context, const Instance &instance, RecordedRuns::Run &run);
  Status executeProfiled(Context &context, const Instance &instance, Profile &profile);

  const plan::Container &container;
  const Program &program;
  Device &device;
  Device *host;
  std::mutex mutex;
  std::vector<std::unique_ptr<Context>> idle;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_EXECUTOR_H
