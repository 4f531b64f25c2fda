//===- Resize.cpp - Resampling --------------------------------------------===//
//
// Source coordinates are computed in f32 in the order of operations of ONNX's reference and ONNX Runtime, so that ties
// and rounding fall the same way; integer scales of the simplest mode are integer divisions.
//
//===----------------------------------------------------------------------===//
#include "tenon/Codegen/Common/Evaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

/// Source positions of one dimension; on scalars or vectors alike.
class Resampler {
public:
  Resampler(ResizeOp op, unsigned dim, const IndexMath &math, Value in, Value out)
      : op(op), dim(dim), math(math), in(in), out(out) {}

  /// The (fractional) source coordinate of result index x, as f32.
  Value position(Value x) {
    Value at = toFloat(x);
    StringRef mode = op.getCoordinates();
    if (mode == "align_corners")
      return alignCorners(x, at);
    Value scale = getScale(x);
    if (mode == "asymmetric")
      return arith::DivFOp::create(math.b, math.loc, at, scale);
    Value half = constant(x, 0.5);
    Value moved = arith::AddFOp::create(math.b, math.loc, at, half);
    Value scaled = arith::DivFOp::create(math.b, math.loc, moved, scale);
    Value result = arith::SubFOp::create(math.b, math.loc, scaled, half);
    if (mode == "half_pixel")
      return result;
    return arith::SelectOp::create(math.b, math.loc, isSingle(), constant(x, 0.0), result);
  }

  /// Result index -> the nearest source index.
  Value nearest(Value x) {
    if (auto factor = integerScale())
      return clamp(math.div(x, math.constantLike(x, *factor)));
    Value p = position(x);
    StringRef rounding = op.getRounding();
    Value rounded;
    if (rounding == "floor") {
      rounded = math::FloorOp::create(math.b, math.loc, p);
    } else if (rounding == "ceil") {
      rounded = math::CeilOp::create(math.b, math.loc, p);
    } else {
      // Ties go down (up): the floor of p + 0.5, or the ceiling of p - 0.5.
      Value half = constant(x, 0.5);
      bool down = rounding == "round_prefer_floor";
      rounded = down ? Value(math::CeilOp::create(math.b, math.loc, arith::SubFOp::create(math.b, math.loc, p, half)))
                     : Value(math::FloorOp::create(math.b, math.loc, arith::AddFOp::create(math.b, math.loc, p, half)));
    }
    return clamp(toIndex(rounded));
  }

  /// Result index -> the source indices on both sides and the weight of the second (f32).
  void neighbours(Value x, Value &lower, Value &upper, Value &weight) {
    Value p = position(x);
    Value last = toFloat(like(x, math.sub(in, math.constant(1))));
    p = arith::MinNumFOp::create(math.b, math.loc, p, last);
    p = arith::MaxNumFOp::create(math.b, math.loc, p, constant(x, 0.0));
    Value floor = math::FloorOp::create(math.b, math.loc, p);
    weight = arith::SubFOp::create(math.b, math.loc, p, floor);
    lower = clamp(toIndex(floor));
    upper = clamp(math.add(lower, math.constantLike(lower, 1)));
  }

private:
  Value like(Value x, Value scalar) {
    if (!isa<VectorType>(x.getType()))
      return scalar;
    return vector::BroadcastOp::create(math.b, math.loc, VectorType::get({math.width}, scalar.getType()), scalar);
  }
  Type floatLike(Value x, Type element) {
    auto vector = dyn_cast<VectorType>(x.getType());
    return vector ? Type(vector.clone(element)) : element;
  }
  Value constant(Value x, double value) {
    return like(x, arith::ConstantOp::create(math.b, math.loc, math.b.getF32FloatAttr(value)));
  }
  Value toFloat(Value x) {
    Value wide = arith::IndexCastOp::create(math.b, math.loc, floatLike(x, math.b.getI64Type()), x);
    return arith::SIToFPOp::create(math.b, math.loc, floatLike(x, math.b.getF32Type()), wide);
  }
  Value toIndex(Value x) {
    Value wide = arith::FPToSIOp::create(math.b, math.loc, floatLike(x, math.b.getI64Type()), x);
    return arith::IndexCastOp::create(math.b, math.loc, floatLike(x, math.b.getIndexType()), wide);
  }
  Value clamp(Value x) {
    Value last = like(x, math.sub(in, math.constant(1)));
    return math.max(math.min(x, last), math.constantLike(x, 0));
  }
  Value isSingle() { return math.equal(out, math.constant(1)); }
  Value getScale(Value x) {
    if (auto scales = op.getScales())
      return constant(x, (*scales)[dim]);
    return arith::DivFOp::create(math.b, math.loc, toFloat(like(x, out)), toFloat(like(x, in)));
  }
  Value alignCorners(Value x, Value at) {
    Value one = math.constant(1);
    Value span = toFloat(like(x, math.sub(in, one)));
    Value steps = toFloat(like(x, math.max(math.sub(out, one), one)));
    Value product = arith::MulFOp::create(math.b, math.loc, at, span);
    return arith::DivFOp::create(math.b, math.loc, product, steps);
  }
  std::optional<int64_t> integerScale() {
    if (op.getCoordinates() != "asymmetric" || op.getRounding() != "floor" || !op.getScales())
      return std::nullopt;
    double scale = (*op.getScales())[dim];
    if (scale < 1 || scale > 64 || scale != std::floor(scale))
      return std::nullopt;
    return static_cast<int64_t>(scale);
  }

  ResizeOp op;
  unsigned dim;
  const IndexMath &math;
  Value in, out;
};

} // namespace

/// True if dimension `dim` is copied as it is.
static bool isIdentity(ResizeOp op, unsigned dim) {
  return getDim(op.getX().getType(), dim) == getDim(op.getResult().getType(), dim) &&
         (!op.getScales() || (*op.getScales())[dim] == 1.0);
}

Value Evaluator::computeResize(ResizeOp op, ArrayRef<Coord> coords) {
  SmallVector<Value> in = extents(op.getX()), out = extents(op.getResult());
  SmallVector<Coord> source(coords);
  if (op.getMode() == "nearest") {
    for (unsigned i = 0; i < coords.size(); ++i)
      if (!isIdentity(op, i))
        source[i] = math.map(coords[i], [&](Value x) { return Resampler(op, i, math, in[i], out[i]).nearest(x); });
    return evaluate(op.getX(), source);
  }
  Type type = op.getX().getType().getElementType();
  std::function<Value(unsigned)> interpolate = [&](unsigned dim) -> Value {
    while (dim < coords.size() && isIdentity(op, dim))
      ++dim;
    if (dim == coords.size())
      return evaluate(op.getX(), source);
    const Coord &coord = coords[dim];
    bool scalar = coord.isUniform();
    Value lower, upper, weight;
    Resampler(op, dim, math, in[dim], out[dim])
        .neighbours(scalar ? coord.base : math.toVector(coord), lower, upper, weight);
    auto at = [&](Value x) {
      source[dim] = scalar ? math.uniform(x) : Coord{{}, {}, x, false};
      return interpolate(dim + 1);
    };
    Value first = at(lower), second = at(upper);
    if (scalar)
      weight = splat(weight);
    if (!type.isF32())
      weight = arith::ExtFOp::create(b, math.loc, vectorOf(type), weight);
    Value rest = arith::SubFOp::create(b, math.loc, splatConstant(type, b.getFloatAttr(type, 1.0)), weight);
    return arith::AddFOp::create(b, math.loc, arith::MulFOp::create(b, math.loc, first, rest),
                                 arith::MulFOp::create(b, math.loc, second, weight));
  };
  return interpolate(0);
}

} // namespace tenon::codegen
