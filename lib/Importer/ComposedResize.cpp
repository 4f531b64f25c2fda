//===- ComposedResize.cpp - Forms of Resize that are no op of their own -----===//
//
// Per axis: coordinates in the operand, an index and a weight for each tap, gathers and a weighted sum. Names and
// formulas are those of ONNX's Resize.
//
//===----------------------------------------------------------------------===//
#include "ComposedResize.h"

#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// Arithmetic on f32 tensors; once a part is missing, so is the result.
class Floats {
public:
  explicit Floats(NodeImporter &n) : n(n), f32(Float32Type::get(n.context)), i64(IntegerType::get(n.context, 64)) {}

  Value number(double value) { return n.scalar(f32, value); }
  Value number(DimAttr value) {
    return n.cast(n.createTyped<DimsOp>(RankedTensorType::get({}, i64), ShapeAttr::get(n.context, {value})), f32);
  }
  Value count(DimAttr extent) { return n.cast(n.createTyped<RangeOp>(getTensorType({extent}, i64), n.dim(0), 1), f32); }
  template <typename OpTy>
  Value op(Value x, Value y) {
    return x && y ? n.create<OpTy>(x, y) : Value();
  }
  Value add(Value x, Value y) { return op<AddOp>(x, y); }
  Value sub(Value x, Value y) { return op<SubOp>(x, y); }
  Value mul(Value x, Value y) { return op<MulOp>(x, y); }
  Value div(Value x, Value y) { return op<DivOp>(x, y); }
  Value floor(Value x) { return x ? n.create<FloorOp>(x) : Value(); }
  /// 1 or 0.
  Value toNumber(Value condition) { return n.cast(condition, f32); }

  NodeImporter &n;
  const Type f32, i64;
};

/// One axis of x while it is resampled.
class Axis {
public:
  Axis(NodeImporter &n, Value x, const ResizedAxis &axis, const ResizeForm &form)
      : n(n), f(n), form(form), axis(axis), in(dimsOf(x)[size_t(axis.axis)]), rank(rankOf(x)) {}

  Value sample(Value x);

private:
  Value divide(Value v) {
    return axis.scale ? f.div(v, axis.scale) : f.div(f.mul(v, f.number(in)), f.number(axis.extent));
  }
  /// Extent times scale, which need not be whole.
  Value scaled() { return axis.scale ? f.mul(f.number(in), axis.scale) : f.number(axis.extent); }
  Value halfPixel() { return f.sub(divide(f.add(f.count(axis.extent), f.number(0.5))), f.number(0.5)); }
  /// `v` where there is more than one element to compute, else `other`.
  Value unlessSingle(Value v, Value other) {
    Value isMany = f.number(isLess(n.dim(1), axis.extent));
    return f.add(f.mul(v, isMany), f.mul(other, f.sub(f.number(1), isMany)));
  }
  Value coordinates();
  Value nearestIndex(Value at);
  SmallVector<Value> weights(Value ratio);
  Value isInside(Value index);
  Value gather(Value x, Value index);
  Value alongAxis(Value v);

  NodeImporter &n;
  Floats f;
  const ResizeForm &form;
  const ResizedAxis &axis;
  const DimAttr in;
  const int64_t rank;
};

Value Axis::coordinates() {
  StringRef kind = form.coordinates;
  Value at = f.count(axis.extent), last = f.number(in - 1);
  // Where the result has one element, no quotient may be 0 / 0.
  Value steps = unlessSingle(f.sub(scaled(), f.number(1)), f.number(1));
  if (kind == "asymmetric")
    return divide(at);
  if (kind == "pytorch_half_pixel")
    return unlessSingle(halfPixel(), f.number(0.0));
  if (kind == "align_corners")
    return f.div(f.mul(at, last), steps);
  if (kind == "half_pixel_symmetric") {
    Value whole = f.div(f.number(axis.extent), scaled());
    Value offset = f.mul(f.mul(f.number(in), f.number(0.5)), f.sub(f.number(1), whole));
    return f.add(offset, halfPixel());
  }
  if (kind == "tf_crop_and_resize") {
    Value span = f.mul(f.sub(axis.roiEnd, axis.roiStart), last);
    Value many = f.div(f.mul(at, span), steps), middle = f.mul(span, f.number(0.5));
    return f.add(unlessSingle(many, middle), f.mul(axis.roiStart, last));
  }
  return halfPixel();
}

Value Axis::nearestIndex(Value at) {
  Value below = f.floor(at);
  if (form.rounding == "floor")
    return below;
  if (!below)
    return {};
  Value above = n.create<CeilOp>(at);
  if (form.rounding == "ceil")
    return above;
  Value rest = f.sub(at, below), half = f.number(0.5);
  Value isAbove =
      form.rounding == "round_prefer_floor" ? f.op<GreaterOp>(rest, half) : f.op<GreaterOrEqualOp>(rest, half);
  return isAbove && above ? n.create<WhereOp>(isAbove, above, below) : Value();
}

/// Of the taps from floor(at) - (taps / 2 - 1) on.
SmallVector<Value> Axis::weights(Value ratio) {
  Value one = f.number(1), rest = f.sub(one, ratio);
  if (form.mode == "linear")
    return {rest, ratio};
  const double a = form.cubicCoefficient;
  // Within 1 of the tap, and between 1 and 2.
  auto near = [&](Value d) {
    Value inner = f.sub(f.mul(f.number(a + 2), d), f.number(a + 3));
    return f.add(f.mul(f.mul(inner, d), d), one);
  };
  auto far = [&](Value d) {
    Value t = f.add(d, one);
    Value inner = f.add(f.mul(f.sub(f.mul(f.number(a), t), f.number(5 * a)), t), f.number(8 * a));
    return f.sub(f.mul(inner, t), f.number(4 * a));
  };
  return {far(ratio), near(ratio), near(rest), far(rest)};
}

Value Axis::isInside(Value index) {
  return f.op<AndOp>(f.op<GreaterOrEqualOp>(index, f.number(0.0)), f.op<LessOrEqualOp>(index, f.number(in - 1)));
}

Value Axis::gather(Value x, Value index) {
  Value clamped = f.op<MinOp>(f.op<MaxOp>(index, f.number(0.0)), f.number(in - 1));
  Value whole = n.cast(clamped, f.i64);
  return whole ? n.create<GatherOp>(x, whole, axis.axis) : Value();
}

/// A vector of this axis, to be broadcast over the others.
Value Axis::alongAxis(Value v) {
  Dims dims(size_t(rank - axis.axis), n.dim(1));
  dims.front() = axis.extent;
  return n.reshape(v, dims);
}

Value Axis::sample(Value x) {
  Value at = coordinates(), result;
  if (form.mode == "nearest") {
    result = gather(x, nearestIndex(at));
  } else {
    Value below = f.floor(at);
    SmallVector<Value> factors = weights(f.sub(at, below)), indices;
    for (auto [i, factor] : llvm::enumerate(factors)) {
      indices.push_back(f.add(below, f.number(double(i) - double(factors.size() / 2 - 1))));
      if (form.excludesOutside)
        factor = f.mul(factor, f.toNumber(isInside(indices.back())));
    }
    Value total;
    for (Value factor : factors)
      total = total ? f.add(total, factor) : factor;
    for (auto [factor, index] : llvm::zip(factors, indices)) {
      Value share = alongAxis(form.excludesOutside ? f.div(factor, total) : factor);
      Value part = f.mul(gather(x, index), share);
      result = result ? f.add(result, part) : part;
    }
  }
  if (form.coordinates != "tf_crop_and_resize" || !result)
    return result;
  Value inside = alongAxis(isInside(at)), other = n.scalar(typeOf(result).getElementType(), form.extrapolation);
  return inside && other ? n.create<WhereOp>(inside, result, other) : Value();
}

} // namespace

Value resizeComposed(NodeImporter &n, Value x, ArrayRef<ResizedAxis> axes, const ResizeForm &form) {
  Type type = typeOf(x).getElementType();
  const bool isWeighted = form.mode != "nearest";
  for (const ResizedAxis &axis : axes) {
    if (!x)
      return {};
    n.requireEqual(isLess(dimsOf(x)[size_t(axis.axis)], n.dim(1)), n.dim(0)); // there is something to sample
    Value operand = isWeighted ? n.cast(x, Float32Type::get(n.context)) : x;
    x = operand ? Axis(n, operand, axis, form).sample(operand) : Value();
  }
  return n.cast(x, type);
}

} // namespace tenon::importer
