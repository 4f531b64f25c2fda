//===- ComposedResize.cpp - Forms of Resize that are no op of their own -----===//
//
// Per axis: coordinates in the operand, an index and a weight for each tap, gathers and a weighted sum. Names and
// formulas are those of ONNX's Resize.
//
//===----------------------------------------------------------------------===//
#include "ComposedResize.h"

#include "Compose.h"
#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// One axis of x while it is resampled.
class Axis {
public:
  Axis(NodeImporter &n, Value x, const ResizedAxis &axis, const ResizeForm &form)
      : n(n), c{n}, form(form), axis(axis), in(dimsOf(x)[size_t(axis.axis)]), rank(rankOf(x)) {}

  Value sample(Value x);

private:
  Value divide(Value v) { return axis.scale ? c.div(v, axis.scale) : c.div(c.mul(v, number(in)), number(axis.extent)); }
  Value number(DimAttr value) { return c.extent(value, c.f32()); }
  Value number(double value) { return n.scalar(c.f32(), value); }
  /// Extent times scale, which need not be whole.
  Value scaled() { return axis.scale ? c.mul(number(in), axis.scale) : number(axis.extent); }
  Value halfPixel() { return c.sub(divide(c.add(c.iota(axis.extent, c.f32(), 1, 0), number(0.5))), number(0.5)); }
  /// `v` where there is more than one element to compute, else `other`.
  Value unlessSingle(Value v, Value other) {
    Value isMany = number(isLess(n.dim(1), axis.extent));
    return c.add(c.mul(v, isMany), c.mul(other, c.sub(number(1), isMany)));
  }
  Value coordinates();
  Value nearestIndex(Value at);
  Value gather(Value x, Value index);
  Value interpolate(Value x, Value at);
  Value smooth(Value x, Value at);
  Value alongAxis(Value v);

  NodeImporter &n;
  Compose c;
  const ResizeForm &form;
  const ResizedAxis &axis;
  const DimAttr in;
  const int64_t rank;
};

Value Axis::coordinates() {
  StringRef kind = form.coordinates;
  Value at = c.iota(axis.extent, c.f32(), 1, 0), last = number(in - 1);
  // Where the result has one element, no quotient may be 0 / 0.
  Value steps = unlessSingle(c.sub(scaled(), number(1)), number(1));
  if (kind == "asymmetric")
    return divide(at);
  if (kind == "pytorch_half_pixel")
    return unlessSingle(halfPixel(), number(0.0));
  if (kind == "align_corners")
    return c.div(c.mul(at, last), steps);
  if (kind == "half_pixel_symmetric") {
    Value whole = c.div(number(axis.extent), scaled());
    Value offset = c.mul(c.mul(number(in), number(0.5)), c.sub(number(1), whole));
    return c.add(offset, halfPixel());
  }
  if (kind == "tf_crop_and_resize") {
    Value span = c.mul(c.sub(axis.roiEnd, axis.roiStart), last);
    Value many = c.div(c.mul(at, span), steps), middle = c.mul(span, number(0.5));
    return c.add(unlessSingle(many, middle), c.mul(axis.roiStart, last));
  }
  return halfPixel();
}

Value Axis::nearestIndex(Value at) {
  Value below = c.floor(at);
  if (form.rounding == "floor")
    return below;
  Value above = c.make<CeilOp>(at);
  if (form.rounding == "ceil")
    return above;
  Value rest = c.sub(at, below), half = number(0.5);
  return c.select(form.rounding == "round_prefer_floor" ? c.less(half, rest) : c.atLeast(rest, half), above, below);
}

Value Axis::gather(Value x, Value index) {
  Value whole = c.cast(c.clamp(index, number(0.0), number(in - 1)), c.i64());
  return whole ? n.create<GatherOp>(x, whole, axis.axis) : Value();
}

/// A vector of this axis, to be broadcast over the others.
Value Axis::alongAxis(Value v) {
  Dims dims(size_t(rank - axis.axis), n.dim(1));
  dims.front() = axis.extent;
  return n.reshape(v, dims);
}

/// The weighted sum of the two or four elements around each coordinate.
Value Axis::interpolate(Value x, Value at) {
  Value below = c.floor(at), total, result;
  Value ratio = c.sub(at, below);
  // Of the taps from floor(at) - (taps / 2 - 1) on.
  SmallVector<Value> factors = form.mode == "cubic" ? c.cubicWeights(ratio, form.cubicCoefficient)
                                                    : SmallVector<Value>{c.sub(number(1), ratio), ratio};
  SmallVector<Value> indices;
  for (auto [i, factor] : llvm::enumerate(factors)) {
    indices.push_back(c.add(below, number(double(i) - double(factors.size() / 2 - 1))));
    if (form.excludesOutside)
      factor = c.mul(factor, c.cast(c.isInside(indices.back(), in), c.f32()));
    total = total ? c.add(total, factor) : factor;
  }
  for (auto [factor, index] : llvm::zip(factors, indices)) {
    Value share = alongAxis(form.excludesOutside ? c.div(factor, total) : factor);
    Value part = c.mul(gather(x, index), share);
    result = result ? c.add(result, part) : part;
  }
  return result;
}

/// The same with the filter stretched over as many elements as become one: a dimension of taps behind the axis.
Value Axis::smooth(Value x, Value at) {
  const bool isCubic = form.mode == "cubic";
  const int64_t reach = isCubic ? 2 : 1;
  // At least 1 / scale: a result that keeps a ratio is rounded to at most half an element more.
  DimAttr stretch = ceilDiv(in * 2, max(axis.extent * 2 - 1, n.dim(1))), half = stretch * reach + 1;
  Value scale = c.min(axis.scale ? axis.scale : c.div(number(axis.extent), number(in)), number(1));
  at = n.reshape(at, {axis.extent, n.dim(1)});
  Value index = c.add(c.floor(at), c.sub(c.iota(half * 2, c.f32(), 2, 1), number(half - 1)));
  Value d = c.make<AbsOp>(c.mul(c.sub(index, at), scale)), weight = c.max(c.sub(number(1), d), 0);
  if (isCubic) {
    const double a = form.cubicCoefficient;
    Value inner = c.add(c.mul(c.mul(c.sub(c.mul(d, a + 2), a + 3), d), d), 1);
    Value outer = c.sub(c.mul(c.add(c.mul(c.sub(c.mul(d, a), 5 * a), d), 8 * a), d), 4 * a);
    weight = c.select(c.less(d, 1.0), inner, c.select(c.less(d, 2.0), outer, c.like(d, 0)));
  }
  if (form.excludesOutside)
    weight = c.mul(weight, c.cast(c.isInside(index, in), c.f32()));
  weight = c.div(weight, c.reduce<ReduceSumOp>(weight, {1}));
  Dims dims(size_t(rank - axis.axis + 1), n.dim(1));
  dims[0] = axis.extent;
  dims[1] = half * 2;
  return c.reduce<ReduceSumOp>(c.mul(gather(x, index), n.reshape(weight, dims)), {axis.axis + 1}, false);
}

Value Axis::sample(Value x) {
  Value at = coordinates();
  Value result = form.mode == "nearest" ? gather(x, nearestIndex(at))
                 : form.isSmoothed      ? smooth(x, at)
                                        : interpolate(x, at);
  if (form.coordinates != "tf_crop_and_resize" || !result)
    return result;
  // Between the last element and its end there is nothing either.
  Value inside = c.both(c.atLeast(at, number(0.0)), c.atLeast(number(in - 1), at));
  return c.select(alongAxis(inside), result, c.like(result, form.extrapolation));
}

} // namespace

Value resizeComposed(NodeImporter &n, Value x, ArrayRef<ResizedAxis> axes, const ResizeForm &form) {
  Type type = typeOf(x).getElementType();
  const bool isWeighted = form.mode != "nearest";
  for (const ResizedAxis &axis : axes) {
    if (!x)
      return {};
    n.requireEqual(isLess(dimsOf(x)[size_t(axis.axis)], n.dim(1)), n.dim(0), "elements to sample");
    Value operand = isWeighted ? n.cast(x, Float32Type::get(n.context)) : x;
    x = operand ? Axis(n, operand, axis, form).sample(operand) : Value();
  }
  return n.cast(x, type);
}

} // namespace tenon::importer
