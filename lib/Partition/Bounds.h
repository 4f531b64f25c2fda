//===- Bounds.h - The oracle that suits a model ---------------------------===//
#ifndef TENON_LIB_PARTITION_BOUNDS_H
#define TENON_LIB_PARTITION_BOUNDS_H

#include "Elimination.h"

#include "tenon/Partition/Solver.h"
#include <memory>

namespace tenon::partition {

struct Bounds {
  std::unique_ptr<Oracle> oracle;
  Elimination *elimination = nullptr; ///< the oracle, where it is exact
};

/// Elimination where its tables are small enough, or else message passing. `model` must outlive the result.
Bounds makeBounds(const Model &model, const SolverOptions &options);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_BOUNDS_H
