//===- Resharding.h - The way from one layout to another ----------------------===//
//
// The one answer to how a tensor changes its layout: what is priced is what becomes a program.
//
//===----------------------------------------------------------------------===//
#ifndef TRANSFORMS_PARTITION_RESHARDING_H
#define TRANSFORMS_PARTITION_RESHARDING_H

#include "tenon/Partition/Layout.h"
#include "llvm/ADT/SmallVector.h"

namespace tenon::partition {

/// For each dimension the axes that split it, in the order of nesting.
using AxesOfDims = llvm::SmallVector<llvm::SmallVector<unsigned, 2>, 4>;

/// An axis that enters a dimension as its innermost (a slice), leaves one (a gather), or does both (an exchange).
struct ReshardMove {
  CollectiveKind kind;
  unsigned axis;
  int from, to; ///< dimensions, or -1
};

/// Slices before exchanges before gathers, so that what moves is small. An axis can only enter inside of those that
/// stay. A dimension whose parts have other bounds in `want`, by `isCutAlike`, has to become whole first.
std::vector<ReshardMove> findMoves(AxesOfDims have, const AxesOfDims &want, llvm::SmallVector<bool> isCutAlike);

} // namespace tenon::partition

#endif // TRANSFORMS_PARTITION_RESHARDING_H
