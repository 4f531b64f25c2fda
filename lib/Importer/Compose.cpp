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

Value Compose::expm1(Value x) {
  Value half = make<TanhOp>(mul(x, 0.5)); // e^x - 1 = 2 tanh(x/2) / (1 - tanh(x/2))
  return div(mul(half, 2), sub(like(x, 1), half));
}

Value Compose::softplus(Value x) {
  // ln(1 + e^x) = max(x, 0) + ln(1 + u) with u = e^-|x|. Of 1 + u the sum s is left, and lost is u - (s - 1), which
  // moves the logarithm by that part of s.
  Value decay = make<ExpOp>(make<NegOp>(make<AbsOp>(x))), sum = add(decay, 1);
  Value lost = sub(decay, sub(sum, 1));
  return add(make<ReluOp>(x), add(make<LogOp>(sum), div(lost, sum)));
}

Value Compose::wrap(Value index, DimAttr count) {
  index = cast(index, i64());
  return select(less(index, 0.0), add(index, extent(count, i64())), index);
}

Value Compose::isInside(Value index, DimAttr count) {
  Value zero = index ? like(index, 0) : Value();
  return both(atLeast(index, zero), index ? less(index, extent(count, typeOf(index).getElementType())) : Value());
}

SmallVector<Value> Compose::cubicWeights(Value fraction, double a) {
  auto outer = [&](Value d) { // 1 < d < 2
    Value v = sub(mul(d, a), 5 * a);
    v = add(mul(v, d), 8 * a);
    return sub(mul(v, d), 4 * a);
  };
  auto inner = [&](Value d) { return add(mul(mul(sub(mul(d, a + 2), a + 3), d), d), 1); };
  Value rest = sub(like(fraction, 1), fraction);
  return {outer(add(fraction, 1)), inner(fraction), inner(rest), outer(add(rest, 1))};
}

Value Compose::stack(ArrayRef<Value> values, int64_t axis) {
  SmallVector<Value> parts;
  for (Value value : values) {
    if (!value)
      return {};
    Dims dims = dimsOf(value);
    dims.insert(dims.begin() + axis, n.dim(1));
    parts.push_back(reshape(value, dims));
    if (!parts.back())
      return {};
  }
  return parts.size() == 1 ? parts.front() : n.create<ConcatOp>(parts, axis);
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
