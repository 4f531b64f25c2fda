//===- ChooseStages.h - Where a pipeline is cut ---------------------------===//
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CHOOSESTAGES_H
#define TENON_LIB_TRANSFORMS_PARTITION_CHOOSESTAGES_H

#include <cstdint>
#include <vector>

namespace tenon::choice {

/// Ops in the order in which they run.
struct Chain {
  std::vector<double> seconds;  ///< of each op
  std::vector<double> entry;    ///< seconds to receive what lives across the cut before each op
  std::vector<int64_t> weights; ///< bytes that each op holds for ever
  std::vector<int64_t> live;    ///< bytes besides, at each op
  int64_t capacity = 0;         ///< bytes of a device
  std::vector<bool> isJoined;   ///< a cut before the op would take a kernel apart
  std::vector<double> flops;    ///< of each op, if every stage is to have a share of them worth mentioning; or empty
};

/// The first op of each of `stages` runs of ops such that the slowest is as fast as can be and each fits; empty where
/// none do. With flops only runs are looked at that have 0.8 of a fair share, or 0.5 or 0.25 where there is no other
/// way, and kernels are taken apart only where there is none either. At least as many ops as stages. Exact; time grows
/// with the square of the number of ops.
std::vector<int> cutStages(const Chain &chain, int stages);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSESTAGES_H
