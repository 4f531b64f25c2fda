//===- RunTimeIndex.cpp - Slices and pads that only a run knows -------------===//
#include "RunTimeIndex.h"

#include "Compose.h"
#include "RunTimeAxes.h"
#include "SliceBounds.h"

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

/// start + i * step for i below `count`.
Value spread(Compose c, DimAttr count, DimAttr start, DimAttr step) {
  return c.add(c.mul(c.iota(count, c.i64(), 1, 0), c.extent(step, c.i64())), c.extent(start, c.i64()));
}

/// The rest of index / period, not negative.
Value repeat(Compose c, Value index, Value period) {
  return index && period ? c.n.create<ModOp>(index, period, /*fmod=*/false) : Value();
}

/// Which element of a dimension of `extent` stands at `index`, which may lie outside.
Value foldIndex(Compose c, Value index, DimAttr extent, StringRef mode) {
  if (mode == "wrap")
    return repeat(c, index, c.extent(extent, c.i64()));
  if (mode == "reflect") { // there and back, without the ends twice
    Value period = c.extent(max(extent * 2 - 2, c.n.dim(1)), c.i64());
    index = repeat(c, index, period);
    index = c.min(index, c.sub(period, index));
  }
  return c.clamp(index, c.like(index, 0), c.extent(extent - 1, c.i64()));
}

} // namespace

Value rangeAtRunTime(NodeImporter &n, DimAttr start, DimAttr limit, DimAttr step, Type elementType) {
  DimAttr count = max(ceilDiv(limit - start, step), n.dim(0));
  return n.cast(spread({n}, count, start, step), elementType);
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
    Value index = spread({n}, count, start, step);
    x = index ? n.create<GatherOp>(x, index, int64_t(i)) : Value();
  }
  return x;
}

Value padAtRunTime(NodeImporter &n, Value x, const PerAxis &begins, const PerAxis &ends, StringRef mode, Value fill) {
  const int64_t rank = rankOf(x);
  Compose c{n};
  Value inside;
  for (size_t i = 0; x && i < size_t(rank); ++i) {
    DimAttr extent = dimsOf(x)[i], zero = n.dim(0);
    DimAttr begin = begins.at(n, i, rank, zero), padded = max(extent + begin + ends.at(n, i, rank, zero), zero);
    n.requireEqual(isLess(extent, n.dim(1)), zero, "elements to pad with");
    Value index = c.sub(c.iota(padded, c.i64(), 1, 0), c.extent(begin, c.i64()));
    Value source = foldIndex(c, index, extent, mode);
    if (!source)
      return {};
    if (mode == "constant") {
      Dims dims(size_t(rank) - i, n.dim(1)); // to be broadcast over the dimensions behind
      dims.front() = padded;
      Value here = c.reshape(c.isInside(index, extent), dims);
      inside = inside ? c.both(inside, here) : here;
    }
    x = n.create<GatherOp>(x, source, int64_t(i));
  }
  return mode == "constant" && rank > 0 ? c.select(inside, x, fill) : x;
}

} // namespace tenon::importer
