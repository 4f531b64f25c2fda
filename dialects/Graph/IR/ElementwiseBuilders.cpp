//===- ElementwiseBuilders.cpp - Scalar and vector code of elementwise ops ===//
#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace tenon::graph {

bool isFloatLike(Value v) { return isa<FloatType>(getElementTypeOrSelf(v.getType())); }

bool hasUnsignedElements(Value v) { return getElementTypeOrSelf(v.getType()).isUnsignedInteger(); }

static Value splatOf(OpBuilder &b, Location loc, Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar = isa<FloatType>(element) ? TypedAttr(b.getFloatAttr(element, value))
                                             : TypedAttr(b.getIntegerAttr(element, static_cast<int64_t>(value)));
  if (auto shaped = dyn_cast<ShapedType>(type))
    scalar = DenseElementsAttr::get(shaped, ArrayRef<Attribute>(scalar));
  return arith::ConstantOp::create(b, loc, scalar);
}

Value splat(OpBuilder &b, Location loc, Value like, double value) { return splatOf(b, loc, like.getType(), value); }

Value buildMaximum(OpBuilder &b, Location loc, Value x, Value y) { return arith::MaximumFOp::create(b, loc, x, y); }
Value buildMinimum(OpBuilder &b, Location loc, Value x, Value y) { return arith::MinimumFOp::create(b, loc, x, y); }

Value buildSigmoid(OpBuilder &b, Location loc, Value x) {
  Value one = splat(b, loc, x, 1);
  Value e = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
  return arith::DivFOp::create(b, loc, one, arith::AddFOp::create(b, loc, one, e));
}

Value buildHardSigmoid(OpBuilder &b, Location loc, Value x, double alpha, double beta) {
  Value scaled = arith::MulFOp::create(b, loc, x, splat(b, loc, x, alpha));
  Value line = arith::AddFOp::create(b, loc, scaled, splat(b, loc, x, beta));
  return buildMaximum(b, loc, buildMinimum(b, loc, line, splat(b, loc, x, 1)), splat(b, loc, x, 0));
}

Value buildLeakyRelu(OpBuilder &b, Location loc, Value x, double alpha) {
  Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, splat(b, loc, x, 0));
  return arith::SelectOp::create(b, loc, negative, arith::MulFOp::create(b, loc, x, splat(b, loc, x, alpha)), x);
}

/// Small constant exponents are products: exact, and no logarithm.
Value buildPower(OpBuilder &b, Location loc, Value x, Value y) {
  if (!isFloatLike(x) || x.getType() != y.getType())
    return {};
  APFloat exponent(0.0);
  if (matchPattern(y, m_ConstantFloat(&exponent))) {
    double e = exponent.convertToDouble();
    Value square = arith::MulFOp::create(b, loc, x, x);
    if (e == 2.0)
      return square;
    if (e == 3.0)
      return arith::MulFOp::create(b, loc, square, x);
    if (e == 0.5)
      return math::SqrtOp::create(b, loc, x);
  }
  return math::PowFOp::create(b, loc, x, y);
}

/// Builds `x` converted to `target`, the same shape with another element type.
static Value buildCast(OpBuilder &b, Location loc, Value x, Type element) {
  Type from = getElementTypeOrSelf(x.getType()), to = element;
  Type target = to;
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    target = vector.clone(to);
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(to);
  if (from == to)
    return x;
  if (to.isInteger(1)) {
    Value zero = splat(b, loc, x, 0);
    if (fromFloat)
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x, zero);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, zero);
  }
  unsigned fromBits = from.getIntOrFloatBitWidth(), toBits = to.getIntOrFloatBitWidth();
  if (fromFloat && toFloat)
    return fromBits < toBits ? Value(arith::ExtFOp::create(b, loc, target, x))
                             : Value(arith::TruncFOp::create(b, loc, target, x));
  bool isUnsigned = from.isInteger(1) || from.isUnsignedInteger();
  if (fromFloat)
    return arith::FPToSIOp::create(b, loc, target, x);
  if (toFloat)
    return isUnsigned ? Value(arith::UIToFPOp::create(b, loc, target, x))
                      : Value(arith::SIToFPOp::create(b, loc, target, x));
  if (fromBits > toBits)
    return arith::TruncIOp::create(b, loc, target, x);
  if (fromBits == toBits)
    return {};
  return isUnsigned ? Value(arith::ExtUIOp::create(b, loc, target, x))
                    : Value(arith::ExtSIOp::create(b, loc, target, x));
}

Value CastOp::buildScalar(OpBuilder &b, Location loc, ValueRange operands) {
  Type to = getResult().getType().getElementType();
  if (!to.isIntOrFloat() || !getX().getType().getElementType().isIntOrFloat())
    return {};
  return buildCast(b, loc, operands[0], to);
}

} // namespace tenon::graph
