//===- ChoosePlan.h - The best choice for one form ------------------------===//
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CHOOSEPLAN_H
#define TENON_LIB_TRANSFORMS_PARTITION_CHOOSEPLAN_H

#include "ChooseStrategies.h"
#include "tenon/Partition/Schedule.h"
#include "tenon/Transforms/PartitionOptions.h"

namespace tenon::choice {

inline constexpr double infinity = partition::forbidden;

/// The best choice of strategies and stages of one form.
struct Plan {
  Parallel form;
  Setting setting;
  PricedGraph priced;
  std::vector<std::vector<int64_t>> shares; ///< of each axis, what its devices take of it; empty: all as much
  partition::Choice choice;                 ///< a strategy for each op; empty: none was found
  std::vector<int> stages;                  ///< of each op
  std::vector<double> transfer;             ///< seconds that each stage receives for
  double outputs = 0;                       ///< seconds from the last stage to the first
  /// Of a step of training over several stages.
  partition::Pipeline pipeline;
  partition::Schedule schedule;
  partition::PassTimeline timeline;
  double optimizer = 0;   ///< seconds after the schedule, of the slowest stage
  double bound = 0;       ///< no choice of this form is faster
  double strategyGap = 0; ///< of the choice of strategies, without stages
  int64_t capacity = 0;
  bool isPruned = false; ///< `bound` is above what is known: nothing more was sought
  Status shortage;       ///< where nothing fits

  bool found() const { return !choice.empty(); }
  const Strategy &strategyOf(int op) const { return priced.strategies[op][choice[op]]; }
  /// Seconds of a run.
  double seconds() const;
};

/// Whether `pin` is about `node`.
bool matches(const PartitionPin &pin, llvm::StringRef node);

/// The best choice of `form` that fits, unless it is plain that it takes `known` seconds or more.
Plan makePlan(const Graph &graph, const PartitionOptions &options, const Parallel &form, double known);

/// All about `plan`, which was found; the bound is that of its form.
PartitionAnswer describePlan(const Graph &graph, const Plan &plan);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSEPLAN_H
