//===- Solver.h - Which strategy each op takes: the answer ----------------===//
//
// Finds the cheapest choice of a Problem that fits, with a proof of how good it is. Strategies that another one beats
// are dropped; variables are eliminated exactly where the graph is narrow, and bounded by message passing where it is
// not; memory becomes a price (Lagrangian relaxation); branch and bound closes what gap is left.
// docs/Rationale/Partition.md.
//
// Deterministic: limits are counts of operations, never of time.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_SOLVER_H
#define TENON_PARTITION_SOLVER_H

#include "tenon/Partition/Problem.h"

namespace tenon::partition {

struct SolverOptions {
  /// A choice that is dearer than the best by no more than this, relatively, is as good. At least 1e-9.
  double gap = 1e-9;
  /// Additions to spend on lower bounds, about; 1e9 are one to two seconds.
  int64_t boundOperations = 700'000'000;
  /// Additions to spend on branch and bound.
  int64_t searchOperations = 100'000'000;
  /// Graphs whose tables take more additions than this are bounded by message passing instead of elimination.
  int64_t tableOperations = 2'000'000;
};

/// A tensor that takes memory at the point where it runs short.
struct Holding {
  int node = 0;
  int tensor = 0; ///< of the node
  int64_t bytes = 0;
};

/// Why nothing fits.
struct Shortage {
  /// A node to which pins and groups leave no strategy, or -1. Then the rest says nothing.
  int conflict = -1;
  /// Whether forbidden pairs alone exclude every choice. Then the rest says nothing.
  bool contradiction = false;
  int64_t smallestPeak = 0;      ///< bytes at the worst point of the best choice found: the capacity that would do
  int64_t peakBound = 0;         ///< no choice has a smaller peak
  int64_t peakWithoutPins = 0;   ///< the smallest peak found where the user's pins are lifted; 0 where there are none
  int point = 0;                 ///< the point of time of that peak
  std::vector<Holding> holdings; ///< what is held there, largest first; without those of 0 bytes
  Choice choice;                 ///< the choice of the smallest peak
};

struct Answer {
  Choice choice;                ///< empty where nothing fits, or nothing was found
  double seconds = 0;           ///< its price
  double bound = 0;             ///< no choice that fits is cheaper
  bool infeasible = false;      ///< proven: nothing fits
  Shortage shortage;            ///< where `choice` is empty
  int strategies = 0, kept = 0; ///< strategies of the problem, and of them those that were not dropped at once

  bool found() const { return !choice.empty(); }
  /// (seconds - bound) / seconds, 0 where both are 0.
  double gap() const { return seconds > bound ? (seconds - bound) / seconds : 0; }
};

/// Solves `problem`; fails with TN4001 where it is malformed. That nothing fits is an answer, not a failure.
Expected<Answer> solve(const Problem &problem, const SolverOptions &options = {});

/// The error to report for an answer without a choice: TN4002 with point of time, tensors, the smallest peak, and what
/// would help; TN4003 where pins, groups and forbidden pairs contradict each other.
Status explain(const Problem &problem, const Answer &answer);

} // namespace tenon::partition

#endif // TENON_PARTITION_SOLVER_H
