//===- Peak.h - The smallest peak of memory -------------------------------===//
#ifndef TENON_LIB_PARTITION_PEAK_H
#define TENON_LIB_PARTITION_PEAK_H

#include "tenon/Partition/Solver.h"

namespace tenon::partition {

struct SmallestPeak {
  Choice choice;     ///< empty where forbidden pairs exclude every choice
  int64_t peak = 0;  ///< of `choice`
  int64_t bound = 0; ///< no choice has a smaller one
};

/// The choice of a well-formed problem whose worst point holds the fewest bytes, whatever it costs.
SmallestPeak findSmallestPeak(const Problem &problem, const SolverOptions &options);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_PEAK_H
