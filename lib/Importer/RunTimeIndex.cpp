//===- RunTimeIndex.cpp - Slices and pads that only a run knows -------------===//
#include "RunTimeIndex.h"

#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

DimAttr PerAxis::at(NodeImporter &n, size_t i, int64_t rank, DimAttr absent) const {
  if (!axes)
    return i < values.size() ? values[i] : absent;
  DimAttr sum = n.dim(0), named = n.dim(0);
  for (auto [axis, value] : llvm::zip(*axes, values)) {
    DimAttr isMeant = isEqual(axis, n.dim(int64_t(i))) + isEqual(axis, n.dim(int64_t(i) - rank));
    sum = sum + isMeant * value;
    named = named + isMeant;
  }
  return sum + (named * -1 + 1) * absent;
}

namespace {

Value scalarOf(NodeImporter &n, DimAttr value) {
  return n.createTyped<DimsOp>(RankedTensorType::get({}, IntegerType::get(n.context, 64)),
                               ShapeAttr::get(n.context, {value}));
}

/// 0, 1, .. extent - 1.
Value countTo(NodeImporter &n, DimAttr extent) {
  return n.createTyped<RangeOp>(getTensorType({extent}, IntegerType::get(n.context, 64)), n.dim(0), 1);
}

template <typename OpTy>
Value combine(NodeImporter &n, Value x, Value y) {
  return x && y ? n.create<OpTy>(x, y) : Value();
}

/// start + i * step for i below `count`.
Value spread(NodeImporter &n, DimAttr count, DimAttr start, DimAttr step) {
  return combine<AddOp>(n, combine<MulOp>(n, countTo(n, count), scalarOf(n, step)), scalarOf(n, start));
}

Value clampTo(NodeImporter &n, Value index, DimAttr last) {
  return combine<MinOp>(n, combine<MaxOp>(n, index, scalarOf(n, n.dim(0))), scalarOf(n, last));
}

/// `index` counted from the start, where it may be negative.
DimAttr fromStart(DimAttr index, DimAttr extent) {
  return index + extent * isLess(index, DimAttr::constant(index.getContext(), 0));
}

/// The rest of index / period, not negative.
Value repeat(NodeImporter &n, Value index, DimAttr period) {
  Value divisor = index ? scalarOf(n, period) : Value();
  return divisor ? n.create<ModOp>(index, divisor, /*fmod=*/false) : Value();
}

/// Which element of a dimension of `extent` stands at `index`, which may lie outside.
Value foldIndex(NodeImporter &n, Value index, DimAttr extent, StringRef mode) {
  if (mode == "wrap")
    return repeat(n, index, extent);
  if (mode == "reflect") { // there and back, without the ends twice
    DimAttr period = max(extent * 2 - 2, n.dim(1));
    index = repeat(n, index, period);
    Value back = combine<SubOp>(n, index ? scalarOf(n, period) : Value(), index);
    index = combine<MinOp>(n, index, back);
  }
  return clampTo(n, index, extent - 1);
}

/// Whether 0 <= index < extent, with `behind` dimensions of 1 behind it.
Value isInside(NodeImporter &n, Value index, DimAttr extent, size_t behind) {
  Value low = combine<GreaterOrEqualOp>(n, index, scalarOf(n, n.dim(0)));
  Value high = combine<LessOp>(n, index, scalarOf(n, extent));
  Value both = combine<AndOp>(n, low, high);
  if (!both)
    return {};
  Dims dims(behind + 1, n.dim(1));
  dims.front() = dimsOf(both).front();
  return n.reshape(both, dims);
}

} // namespace

Value rangeAtRunTime(NodeImporter &n, DimAttr start, DimAttr limit, DimAttr step, Type elementType) {
  DimAttr count = max(ceilDiv(limit - start, step), n.dim(0));
  return n.cast(spread(n, count, start, step), elementType);
}

Value sliceAtRunTime(NodeImporter &n, Value x, const PerAxis &starts, const PerAxis &ends, const PerAxis &steps) {
  const int64_t rank = rankOf(x);
  for (size_t i = 0; x && i < size_t(rank); ++i) {
    DimAttr extent = dimsOf(x)[i], zero = n.dim(0), step = steps.at(n, i, rank, n.dim(1)), back = isLess(step, zero);
    // Going back, a slice starts inside and ends one before the first element at most.
    DimAttr lowest = back * -1, highest = extent - back;
    DimAttr start = min(max(fromStart(starts.at(n, i, rank, zero), extent), zero), highest);
    DimAttr end = min(max(fromStart(ends.at(n, i, rank, extent), extent), lowest), highest);
    DimAttr count = max(ceilDiv(end - start, step), zero);
    Value index = spread(n, count, start, step);
    x = index ? n.create<GatherOp>(x, index, int64_t(i)) : Value();
  }
  return x;
}

Value padAtRunTime(NodeImporter &n, Value x, const PerAxis &begins, const PerAxis &ends, StringRef mode, Value fill) {
  const int64_t rank = rankOf(x);
  Value inside;
  for (size_t i = 0; x && i < size_t(rank); ++i) {
    DimAttr extent = dimsOf(x)[i], zero = n.dim(0);
    DimAttr begin = begins.at(n, i, rank, zero), padded = max(extent + begin + ends.at(n, i, rank, zero), zero);
    n.requireEqual(isLess(extent, n.dim(1)), zero); // there is something to take elements from
    Value index = combine<SubOp>(n, countTo(n, padded), scalarOf(n, begin));
    Value source = index ? foldIndex(n, index, extent, mode) : Value();
    if (!source)
      return {};
    if (mode == "constant") {
      Value here = isInside(n, index, extent, size_t(rank) - 1 - i);
      inside = inside ? combine<AndOp>(n, inside, here) : here;
    }
    x = n.create<GatherOp>(x, source, int64_t(i));
  }
  return x && inside && fill ? n.create<WhereOp>(inside, x, fill) : mode == "constant" && rank > 0 ? Value() : x;
}

} // namespace tenon::importer
