//===- Sharding.cpp - Which part of a tensor a rank has ----------------------===//
#include "Sharding.h"

#include <numeric>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::partition {

int64_t Grid::devices() const {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<int64_t>());
}

Coords Grid::coordsOf(int64_t rank) const {
  Coords coords(sizes.size());
  rank %= devices();
  for (size_t i = sizes.size(); i-- > 0; rank /= sizes[i])
    coords[i] = rank % sizes[i];
  return coords;
}

int64_t Grid::rankAt(int64_t stage, ArrayRef<int64_t> coords) const {
  int64_t rank = stage;
  for (auto [size, coord] : llvm::zip_equal(sizes, coords))
    rank = rank * size + coord;
  return rank;
}

SmallVector<int64_t> Grid::line(int64_t stage, Coords coords, unsigned axis) const {
  SmallVector<int64_t> ranks;
  for (coords[axis] = 0; coords[axis] < sizes[axis]; ++coords[axis])
    ranks.push_back(rankAt(stage, coords));
  return ranks;
}

/// Part `index` of `count` units along `axis`, the first ones longer.
static Range splitAlong(DimAttr count, const Grid &grid, unsigned axis, int64_t index) {
  const bool isEven = grid.shares.empty() || grid.shares[axis].empty();
  auto sharesBefore = [&](int64_t i) {
    return isEven ? i : std::accumulate(grid.shares[axis].begin(), grid.shares[axis].begin() + i, int64_t(0));
  };
  const int64_t all = sharesBefore(grid.sizes[axis]);
  auto bound = [&](int64_t i) { return i == grid.sizes[axis] ? count : ceilDiv(count * sharesBefore(i), all); };
  return {bound(index), bound(index + 1) - bound(index)};
}

/// In units. `last` stands in for the coordinate along the last axis.
static Range partOfUnits(const DimSplit &split, const Grid &grid, ArrayRef<int64_t> coords, int64_t last) {
  Range range = {DimAttr::constant(split.units.getContext(), 0), split.units};
  for (unsigned axis : split.axes) {
    const bool isLast = axis == split.axes.back();
    const Range part = splitAlong(range.extent, grid, axis, isLast ? last : coords[axis]);
    range = {range.begin + part.begin, part.extent};
  }
  return range;
}

Range partOf(DimAttr extent, const DimSplit &split, const Grid &grid, ArrayRef<int64_t> coords) {
  if (split.axes.empty())
    return {DimAttr::constant(extent.getContext(), 0), extent};
  const Range part = partOfUnits(split, grid, coords, coords[split.axes.back()]);
  const DimAttr unit = floorDiv(extent, split.units);
  return {part.begin * unit, part.extent * unit};
}

SmallVector<DimAttr> extentsAlong(DimAttr extent, const DimSplit &split, const Grid &grid, ArrayRef<int64_t> coords) {
  const DimAttr unit = floorDiv(extent, split.units);
  SmallVector<DimAttr> extents;
  for (int64_t i = 0; i < grid.sizes[split.axes.back()]; ++i)
    extents.push_back(partOfUnits(split, grid, coords, i).extent * unit);
  return extents;
}

bool leavesNothing(const DimSplit &split, const Grid &grid) {
  if (split.axes.empty() || !split.units.getConstant())
    return false;
  return llvm::any_of(llvm::seq<int64_t>(0, grid.devices()), [&](int64_t rank) {
    return partOf(split.units, split, grid, grid.coordsOf(rank)).extent.isConstant(0);
  });
}

RankedTensorType partOf(RankedTensorType type, const TensorLayout &layout, const Grid &grid, ArrayRef<int64_t> coords) {
  auto dims = getDims(type);
  for (auto [dim, split] : llvm::zip_equal(dims, layout))
    dim = partOf(dim, split, grid, coords).extent;
  return getTensorType(dims, type.getElementType());
}

} // namespace tenon::partition
