//===- Search.h - Branch and bound on the tables of an elimination --------===//
//
// Variables are chosen in the reverse order of their elimination: what the rest costs at least, with memory at the
// multipliers' price, is then known exactly. Depth first, cheapest label first.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_SEARCH_H
#define TENON_LIB_PARTITION_SEARCH_H

#include "Elimination.h"
#include "Primal.h"

namespace tenon::partition {

struct SearchResult {
  /// No choice that fits is cheaper than this and than the best of the primal side.
  double bound = 0;
  bool complete = false; ///< nothing is left open
};

/// Looks for labels that are cheaper than the best of `primal` by more than `gap` (relative) and offers them to it, for
/// at most `maxOperations` additions.
SearchResult search(const Model &model, Elimination &elimination, const std::vector<double> &multipliers,
                    Primal &primal, double gap, int64_t maxOperations);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_SEARCH_H
