//===- RankRunner.h - Runs all ranks of a plan as threads -----------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_RANKRUNNER_H
#define TENON_LIB_RUNTIME_RANKS_RANKRUNNER_H

#include "../FunctionRunner.h"

#include <memory>
#include <vector>

namespace tenon::runtime {

/// One rank of a plan: what runs its kernels, and its function.
struct Rank {
  std::unique_ptr<Device> device, host; ///< host: for kernels of the host, or null
  std::unique_ptr<FunctionRunner> runner;
};

/// The ranks of a plan, each on a thread of its own while a run lasts. Thread-safe.
class RankRunner {
public:
  explicit RankRunner(std::vector<Rank> ranks) : ranks(std::move(ranks)) {}

  const Program &program() const { return ranks.front().runner->program; }
  const std::string &arch() const { return ranks.front().device->arch(); }
  unsigned threads() const; ///< of all ranks together

  /// As FunctionRunner::run, with the outputs of rank 0. Where a rank fails all others end, too: TN7019, or what rank 0
  /// itself failed with.
  Expected<std::vector<Tensor>> run(const std::vector<Tensor> &inputs, Profile *profile,
                                    std::span<const NamedTensor> into);

private:
  std::vector<Rank> ranks;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_RANKRUNNER_H
