//===- Compose.cpp - Expressions of graph ops ------------------------------===//
#include "Compose.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

Value Compose::extent(DimAttr value, Type elementType) {
  if (auto constant = value.getConstant())
    return n.scalar(elementType, double(*constant));
  return n.createTyped<DimsOp>(getTensorType({}, elementType), ShapeAttr::get(n.context, {value}));
}

Value Compose::iota(DimAttr count, Type elementType, int64_t rank, int64_t axis) {
  Dims dims(size_t(rank), n.dim(1));
  dims[size_t(axis)] = count;
  return reshape(n.createTyped<RangeOp>(getTensorType({count}, elementType), n.dim(0), 1), dims);
}

Value Compose::transpose(Value x, ArrayRef<int64_t> perm) {
  return !x || llvm::is_sorted(perm) ? x : n.create<TransposeOp>(x, perm);
}

Value Compose::expand(Value x, ArrayRef<DimAttr> dims) {
  if (!x || ArrayRef<DimAttr>(dimsOf(x)) == dims)
    return x;
  return n.createTyped<ExpandOp>(getTensorType(dims, typeOf(x).getElementType()), x);
}

Value Compose::slice(Value x, int64_t axis, DimAttr start, DimAttr count, int64_t step) {
  if (!x)
    return {};
  Dims dims = dimsOf(x), starts(dims.size(), n.dim(0));
  Ints steps(dims.size(), 1);
  if (start.isConstant(0) && step == 1 && dims[size_t(axis)] == count)
    return x;
  dims[size_t(axis)] = count;
  starts[size_t(axis)] = start;
  steps[size_t(axis)] = step;
  return n.createTyped<SliceOp>(getTensorType(dims, typeOf(x).getElementType()), x, ShapeAttr::get(n.context, starts),
                                steps);
}

Value Compose::pick(Value x, int64_t axis, int64_t index) {
  Value part = slice(x, axis, n.dim(index), n.dim(1));
  if (!part)
    return {};
  Dims dims = dimsOf(part);
  dims.erase(dims.begin() + axis);
  return reshape(part, dims);
}

Value Compose::wrap(Value index, DimAttr count) {
  index = cast(index, i64());
  return select(less(index, 0.0), add(index, extent(count, i64())), index);
}

Value Compose::gatherFlat(Value x, Value index) {
  Value flat = x ? reshape(x, {product(n.context, dimsOf(x))}) : Value();
  return flat && index ? n.create<GatherOp>(flat, index, 0) : Value();
}

Value Compose::gatherAlong(Value x, Value index, int64_t axis, bool broadcasts) {
  if (!x || !index)
    return {};
  Dims dims = dimsOf(x), counts = dimsOf(index);
  Value flat;
  DimAttr stride = n.dim(1);
  for (int64_t d = rankOf(x); d-- > 0;) {
    auto at = size_t(d);
    Value position = d == axis
                         ? wrap(index, dims[at])
                         : iota(broadcasts && counts[at].isConstant(1) ? dims[at] : counts[at], i64(), rankOf(x), d);
    if (!stride.isConstant(1))
      position = mul(position, extent(stride, i64()));
    flat = flat ? add(flat, position) : position;
    stride = stride * dims[at];
  }
  return gatherFlat(x, flat);
}

} // namespace tenon::importer
