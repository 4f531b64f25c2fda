//===- Sharding.h - Which part of a tensor a rank has ------------------------===//
//
// Ranks form a mesh, or one mesh for each stage of a pipeline. An axis of the mesh splits one dimension of a tensor, or
// none. Parts are runs of whole units, as long as the shares of the ranks say, rounded so that the first ones are
// longer; where several axes split a dimension, the part of one is split by the next.
//
//===----------------------------------------------------------------------===//
#ifndef TRANSFORMS_PARTITION_SHARDING_H
#define TRANSFORMS_PARTITION_SHARDING_H

#include "Graph/IR/DimExpr.h"

namespace tenon::partition {

using Coords = llvm::SmallVector<int64_t, 3>;

/// The devices of a stage, slowest axis first.
struct Grid {
  llvm::SmallVector<int64_t, 3> sizes;
  /// Of each axis, how much of a dimension its devices take, relative to each other; empty: the same.
  llvm::SmallVector<llvm::SmallVector<int64_t>, 3> shares;
  int64_t stages = 1;

  int64_t devices() const;
  int64_t ranks() const { return stages * devices(); }
  int64_t stageOf(int64_t rank) const { return rank / devices(); }
  Coords coordsOf(int64_t rank) const;
  int64_t rankAt(int64_t stage, llvm::ArrayRef<int64_t> coords) const;
  /// The ranks of a stage whose coordinates are `coords`, but for any along `axis`, by that.
  llvm::SmallVector<int64_t> line(int64_t stage, Coords coords, unsigned axis) const;
};

/// The axes that split a dimension, in the order of nesting, and how many units it has: null without axes.
struct DimSplit {
  llvm::SmallVector<unsigned, 2> axes;
  graph::DimAttr units;
  bool operator==(const DimSplit &) const = default;
};

/// For each dimension of a tensor.
using TensorLayout = llvm::SmallVector<DimSplit, 4>;

/// A part of a dimension, in elements.
struct Range {
  graph::DimAttr begin, extent;
};

/// The part of a dimension of `extent` elements, a multiple of the units, that is at `coords`.
Range partOf(graph::DimAttr extent, const DimSplit &split, const Grid &grid, llvm::ArrayRef<int64_t> coords);

/// The extents of the parts along the last axis of `split`, at `coords` but for that axis.
llvm::SmallVector<graph::DimAttr> extentsAlong(graph::DimAttr extent, const DimSplit &split, const Grid &grid,
                                               llvm::ArrayRef<int64_t> coords);

/// True if some device has no unit, whatever the run: of constant units.
bool leavesNothing(const DimSplit &split, const Grid &grid);

/// The type of the part of a tensor.
mlir::RankedTensorType partOf(mlir::RankedTensorType type, const TensorLayout &layout, const Grid &grid,
                              llvm::ArrayRef<int64_t> coords);

} // namespace tenon::partition

#endif // TRANSFORMS_PARTITION_SHARDING_H
