//===- Exhaustive.h - Every choice, one after the other -------------------===//
//
// What the solver is tested against: simple enough to be believed. Exponential; for a dozen nodes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_EXHAUSTIVE_H
#define TENON_PARTITION_EXHAUSTIVE_H

#include "tenon/Partition/Problem.h"

namespace tenon::partition {

struct Exhausted {
  Choice choice;              ///< the cheapest that fits; empty where none does
  double seconds = forbidden; ///< its price
  /// The smallest peak over all choices that obey pins and groups and take nothing forbidden; -1 where there is none.
  int64_t smallestPeak = -1;
};

/// Tries every choice of a well-formed problem. Exponential in the nodes.
Exhausted exhaust(const Problem &problem);

} // namespace tenon::partition

#endif // TENON_PARTITION_EXHAUSTIVE_H
