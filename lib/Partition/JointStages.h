//===- JointStages.h - Where to cut a chain into stages -------------------===//
//
// For a time V of the step: a stage that begins after `prefix` seconds (the way of the first microbatch there, and of
// the last one back) and makes all its passes must end by V. The least prefix is the best for all stages behind it, so
// dynamic programming over (stage, block) decides exactly whether stages exist that meet these conditions; the least V
// by halves is a lower bound for all plans, and its stages are a good one.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_JOINTSTAGES_H
#define TENON_LIB_PARTITION_JOINTSTAGES_H

#include "JointTables.h"

namespace tenon::partition {

/// What is known of the schedule.
struct StageRules {
  /// Gradients of activations and of weights are apart: what a stage waits for is shorter.
  bool isSplit = false;
  /// Stage s holds at most `stages - s` microbatches: the one after that waits for the first one's return.
  bool isLimited = false;
  /// What each stage holds; or none, for a bound: what any schedule holds that takes V, and what it waits for memory.
  std::vector<std::vector<Demand>> demands;
};

struct StageCuts {
  std::vector<int> cuts;  ///< stages + 1 places
  std::vector<int> forms; ///< of each stage, of JointTables::forms
  double bound = 0;       ///< seconds; no stages under the rules are faster. Infinite where nothing fits
  bool found() const { return !forms.empty(); }
};

/// The stages of the least time; looks only at times below `limit` (nothing is found above it, and `bound` is at most
/// that then). The bound is within `precision`, relatively, of the time of the conditions.
StageCuts cutStages(const JointTables &tables, const StageRules &rules, double limit, double precision = 2e-4);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_JOINTSTAGES_H
