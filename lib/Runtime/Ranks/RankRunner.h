//===- RankRunner.h - Runs all ranks of a plan as threads -----------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_RANKRUNNER_H
#define TENON_LIB_RUNTIME_RANKS_RANKRUNNER_H

#include "../FunctionRunner.h"
#include "DeviceRanks.h"
#include "ProcessTransport.h"

#include <memory>
#include <mutex>
#include <vector>

namespace tenon::runtime {

/// One rank of a plan: what runs its kernels, and its function.
struct Rank {
  std::unique_ptr<Device> device, host; ///< host: for kernels of the host, or null
  std::unique_ptr<FunctionRunner> runner;
  std::unique_ptr<DeviceRanks> devices = nullptr; ///< of a run before; null where the host has to do collectives
};

/// The ranks of a plan, each on a thread of its own while a run lasts; or the one rank that this process is.
/// Thread-safe.
class RankRunner {
public:
  explicit RankRunner(std::vector<Rank> ranks, std::unique_ptr<ProcessTransport> processes = nullptr)
      : ranks(std::move(ranks)), processes(std::move(processes)) {}

  /// The rank that this process gives the outputs of.
  uint32_t number() const { return processes ? processes->rank() : 0; }
  const Program &program() const { return ranks.front().runner->program; }
  const std::string &arch() const { return ranks.front().device->arch(); }
  unsigned threads() const; ///< of all ranks together

  /// As FunctionRunner::run, with the outputs of the rank number(), which only rank 0 has. Where a rank fails all
  /// others end, too: TN7019, or what that rank itself failed with.
  Expected<std::vector<Tensor>> run(const std::vector<Tensor> &inputs, Profile *profile,
                                    std::span<const NamedTensor> into);

private:
  Expected<std::vector<Tensor>> runRank(Rank &rank, uint32_t number, Transport &transport,
                                        const std::vector<Tensor> &inputs, Profile *profile,
                                        std::span<const NamedTensor> into);
  Status introduce(Rank &rank, uint32_t number, Transport &transport);
  void abortDevices();
  Expected<std::vector<Tensor>> runThreads(const std::vector<Tensor> &inputs, Profile *profile,
                                           std::span<const NamedTensor> into);
  Expected<std::vector<Tensor>> runProcess(const std::vector<Tensor> &inputs, Profile *profile,
                                           std::span<const NamedTensor> into);

  std::vector<Rank> ranks;
  const std::unique_ptr<ProcessTransport> processes; ///< null: all ranks are here
  std::mutex running;                                ///< where runs come one after the other
  std::mutex meeting;                                ///< of Rank::devices
  bool haveMet = false;                              ///< devices have had the chance to
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_RANKRUNNER_H
