//===- ImportSampling.cpp - GridSample -------------------------------------===//
//
// Positions become, per dimension, a few taps (an index and a weight each); every combination of taps is one gather
// from the flat tensor. Kernels compute positions where they need them.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "Registry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// One source element along a dimension: its index (i64, inside x) and its weight (null = 1), both [N, 1, O1.., Or].
struct Tap {
  Value index, weight;
};

class GridSampler {
public:
  GridSampler(NodeImporter &n, Value x, Value grid) : n(n), c{n}, x(x), grid(grid) {}
  LogicalResult run();

private:
  Value denormalize(Value position, Value extent);
  Value reflect(Value position, Value extent);
  Value moveInside(Value position, Value extent);
  Tap makeTap(Value position, Value weight, Value extent);
  SmallVector<Tap> makeTaps(int64_t dim);
  Value sample(ArrayRef<SmallVector<Tap>> taps, size_t dim, Value index, Value weight);
  Value number(double value) { return n.scalar(real, value); }

  NodeImporter &n;
  Compose c;
  Value x, grid;
  Type real;
  Dims dims;
  bool alignsCorners = false;
  std::string mode, padding;
};

/// From [-1, 1] to indices.
Value GridSampler::denormalize(Value position, Value extent) {
  if (alignsCorners)
    return c.mul(c.mul(c.add(position, 1), 0.5), c.sub(extent, 1));
  return c.mul(c.sub(c.mul(c.add(position, 1), extent), 1), 0.5);
}

/// Mirrored at the borders until it is inside; borders are those of pixels, or their centres with align_corners.
Value GridSampler::reflect(Value position, Value extent) {
  double low = alignsCorners ? 0 : -0.5;
  Value range = alignsCorners ? c.sub(extent, 1) : extent;
  Value distance = c.make<AbsOp>(c.sub(position, low));
  Value turns = c.floor(c.div(distance, range));
  Value rest = c.sub(distance, c.mul(turns, range));
  Value isOdd = c.make<NotOp>(c.equal(c.mul(c.floor(c.mul(turns, 0.5)), 2), turns));
  Value inside = c.add(c.select(isOdd, c.sub(range, rest), rest), low);
  // One pixel has nothing to mirror at.
  return c.select(c.equal(range, 0), c.like(inside, 0), inside);
}

/// Positions up to the borders stay: a cubic between the last centre and the border is not flat.
Value GridSampler::moveInside(Value position, Value extent) {
  if (padding == "zeros")
    return position;
  Value low = number(alignsCorners ? 0 : -0.5), high = c.add(low, alignsCorners ? c.sub(extent, 1) : extent);
  Value isInside = c.both(c.make<LessOrEqualOp>(low, position), c.make<LessOrEqualOp>(position, high));
  Value moved = padding == "border" ? c.clamp(position, number(0), c.sub(extent, 1)) : reflect(position, extent);
  return c.select(isInside, position, moved);
}

/// `position` is whole. Outside of x the weight becomes 0, or the position moves inside.
Tap GridSampler::makeTap(Value position, Value weight, Value extent) {
  Value last = c.sub(extent, 1);
  if (padding == "zeros") {
    Value isInside = c.both(c.make<LessOrEqualOp>(number(0), position), c.make<LessOrEqualOp>(position, last));
    weight = c.select(isInside, weight ? weight : number(1), number(0));
  } else {
    position = moveInside(position, extent);
  }
  Value index = c.clamp(position, number(0), last);
  return {c.cast(index, c.i64()), weight};
}

SmallVector<Tap> GridSampler::makeTaps(int64_t dim) {
  int64_t spatial = int64_t(dims.size()) - 2, rank = rankOf(grid);
  // The last component of the grid is the first spatial dimension.
  Value position = c.pick(grid, rank - 1, spatial - 1 - dim);
  if (!position)
    return {};
  Dims shape = dimsOf(position);
  shape.insert(shape.begin() + 1, n.dim(1));
  Value extent = c.extent(dims[size_t(dim) + 2], real);
  position = denormalize(n.reshape(position, shape), extent);
  if (mode == "nearest")
    position = c.make<RoundOp>(position);
  position = moveInside(position, extent);
  if (mode == "nearest") // a mirrored position may lie at half a pixel: towards 0, as an integer conversion
    return {makeTap(c.select(c.less(position, 0.0), c.make<CeilOp>(position), c.floor(position)), {}, extent)};
  Value base = c.floor(position), f = c.sub(position, base);
  if (mode == "linear")
    return {makeTap(base, c.sub(number(1), f), extent), makeTap(c.add(base, 1), f, extent)};
  SmallVector<Tap> taps;
  for (auto [i, weight] : llvm::enumerate(c.cubicWeights(f, -0.75))) // Keys's
    taps.push_back(makeTap(c.add(base, double(i) - 1), weight, extent));
  return taps;
}

/// The sum over the taps of dimensions dim, dim + 1, ..; `index` and `weight` are of the dimensions before.
Value GridSampler::sample(ArrayRef<SmallVector<Tap>> taps, size_t dim, Value index, Value weight) {
  if (dim == taps.size()) {
    Value picked = c.cast(c.gatherFlat(x, index), real);
    return weight ? c.mul(picked, weight) : picked;
  }
  Value sum;
  for (const Tap &tap : taps[dim]) {
    Value at = c.add(c.mul(index, c.extent(dims[dim + 2], c.i64())), tap.index);
    Value factor = weight && tap.weight ? c.mul(weight, tap.weight) : weight ? weight : tap.weight;
    Value part = sample(taps, dim + 1, at, factor);
    sum = sum ? c.add(sum, part) : part;
  }
  return sum;
}

LogicalResult GridSampler::run() {
  dims = dimsOf(x);
  auto named = n.choiceAttr("mode", "linear", {"linear", "nearest", "cubic", "bilinear", "bicubic"});
  auto outside = n.choiceAttr("padding_mode", "zeros", {"zeros", "border", "reflection"});
  if (failed(named) || failed(outside))
    return failure();
  mode = *named == "bilinear" ? "linear" : *named == "bicubic" ? "cubic" : *named;
  padding = *outside;
  alignsCorners = n.intAttr("align_corners", 0) != 0;
  int64_t rank = rankOf(x);
  if (rank < 3 || rank > 5 || rankOf(grid) != rank || dimsOf(grid).back().getConstant().value_or(rank - 2) != rank - 2)
    return n.error(Code::ShapeMismatch) << "the grid must be [N, O1.., Or, r] for X [N, C, D1.., Dr], r at most 3";
  n.requireEqual(dims[0], dimsOf(grid)[0]);
  n.requireEqual(dimsOf(grid).back(), n.dim(rank - 2), "a coordinate for each spatial dimension");
  Type element = typeOf(x).getElementType();
  real = isa<FloatType>(element) ? element : typeOf(grid).getElementType();
  if (!isa<FloatType>(element))
    return n.typeError(element, /*takesFloats=*/true);
  grid = c.cast(grid, real);
  SmallVector<SmallVector<Tap>> taps;
  for (int64_t d = 0; d < rank - 2; ++d)
    if (taps.emplace_back(makeTaps(d)).empty())
      return failure();
  // The row of the flat tensor: n * C + c.
  Value row =
      c.add(c.mul(c.iota(dims[0], c.i64(), rank, 0), c.extent(dims[1], c.i64())), c.iota(dims[1], c.i64(), rank, 1));
  return n.setOutput(sample(taps, 0, row, {}));
}

LogicalResult importGridSample(NodeImporter &n) {
  Value x = n.input(0), grid = n.input(1);
  return x && grid ? GridSampler(n, x, grid).run() : failure();
}

} // namespace

void addSamplingRules(Registry &r) { r.add("GridSample", 16, importGridSample); }

} // namespace tenon::importer
