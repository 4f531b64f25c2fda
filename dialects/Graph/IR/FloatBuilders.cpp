//===- FloatBuilders.cpp - Code of elementwise functions of floats --------===//
#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace tenon::graph {

namespace {

/// Arithmetic on values of one type.
struct FloatMath {
  OpBuilder &b;
  Location loc;

  Value constant(Value like, double value) { return splat(b, loc, like, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value sqrt(Value x) { return math::SqrtOp::create(b, loc, x); }
  Value expm1(Value x) { return math::ExpM1Op::create(b, loc, x); }
  Value log1p(Value x) { return math::Log1pOp::create(b, loc, x); }
  Value withSign(Value x, Value sign) { return math::CopySignOp::create(b, loc, x, sign); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }
};

} // namespace

/// With e = e^|x| - 1: (e + e / (e + 1)) / 2. Above |x| = 40, where e is far beyond 2^24, the second term is nothing,
/// and (inf / inf is not a number) must be nothing.
Value buildSinh(OpBuilder &b, Location loc, Value x) {
  FloatMath m{b, loc};
  Value half = m.constant(x, 0.5), one = m.constant(x, 1);
  Value magnitude = m.abs(x), e = m.expm1(magnitude);
  Value small = m.add(e, m.div(e, m.add(e, one)));
  Value isLarge = m.compare(arith::CmpFPredicate::OGT, magnitude, m.constant(x, 40));
  // e^|x| overflows a little before sinh does: half of it is squared instead.
  Value root = math::ExpOp::create(b, loc, m.mul(magnitude, half));
  Value large = m.mul(m.mul(half, root), root);
  return m.withSign(m.select(isLarge, large, m.mul(half, small)), x);
}

Value buildCosh(OpBuilder &b, Location loc, Value x) {
  FloatMath m{b, loc};
  Value half = m.constant(x, 0.5);
  Value root = math::ExpOp::create(b, loc, m.mul(m.abs(x), half));
  Value e = m.mul(root, root), growing = m.mul(m.mul(half, root), root);
  return m.add(growing, m.div(half, e));
}

/// sign(x) ln(1 + |x| + x^2 / (1 + sqrt(x^2 + 1))); where x^2 could overflow, ln(2 |x|).
Value buildAsinh(OpBuilder &b, Location loc, Value x) {
  FloatMath m{b, loc};
  Value one = m.constant(x, 1), magnitude = m.abs(x);
  Value isLarge = m.compare(arith::CmpFPredicate::OGT, magnitude, m.constant(x, 1e9));
  Value safe = m.select(isLarge, one, magnitude), square = m.mul(safe, safe);
  Value small = m.log1p(m.add(safe, m.div(square, m.add(one, m.sqrt(m.add(square, one))))));
  Value large = m.add(math::LogOp::create(b, loc, magnitude), m.constant(x, 0.6931471805599453));
  return m.withSign(m.select(isLarge, large, small), x);
}

/// With t = x - 1: ln(1 + t + sqrt(t) sqrt(t + 2)); where that could overflow, ln(2 x).
Value buildAcosh(OpBuilder &b, Location loc, Value x) {
  FloatMath m{b, loc};
  Value t = m.sub(x, m.constant(x, 1));
  Value small = m.log1p(m.add(t, m.mul(m.sqrt(t), m.sqrt(m.add(t, m.constant(x, 2))))));
  Value large = m.add(math::LogOp::create(b, loc, x), m.constant(x, 0.6931471805599453));
  return m.select(m.compare(arith::CmpFPredicate::OGT, x, m.constant(x, 1e9)), large, small);
}

/// ln(1 + 2 |x| / (1 - |x|)) / 2, with the sign of x.
Value buildAtanh(OpBuilder &b, Location loc, Value x) {
  FloatMath m{b, loc};
  Value magnitude = m.abs(x);
  Value ratio = m.div(m.add(magnitude, magnitude), m.sub(m.constant(x, 1), magnitude));
  return m.withSign(m.mul(m.constant(x, 0.5), m.log1p(ratio)), x);
}

Value buildIsInf(OpBuilder &b, Location loc, Value x, bool negative, bool positive) {
  FloatMath m{b, loc};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (negative && positive)
    return m.compare(arith::CmpFPredicate::OEQ, m.abs(x), m.constant(x, infinity));
  // Asked for neither, nothing is: an ordered comparison with a NaN.
  double wanted = positive ? infinity : negative ? -infinity : std::numeric_limits<double>::quiet_NaN();
  return m.compare(arith::CmpFPredicate::OEQ, x, m.constant(x, wanted));
}

Value buildFloatRemainder(OpBuilder &b, Location loc, Value x, Value y, bool hasSignOfX) {
  FloatMath m{b, loc};
  Value ax = m.abs(x), ay = m.abs(y), zero = m.constant(x, 0), one = m.constant(x, 1);
  Value quotient = math::FloorOp::create(b, loc, m.div(ax, ay));
  Value rest = math::FmaOp::create(b, loc, arith::NegFOp::create(b, loc, quotient), ay, ax);
  // The rounded quotient is at most one off.
  rest = m.select(m.compare(arith::CmpFPredicate::OLT, rest, zero), m.add(rest, ay), rest);
  rest = m.select(m.compare(arith::CmpFPredicate::OGE, rest, ay), m.sub(rest, ay), rest);
  // x / infinity leaves x.
  Value isInfinite = m.compare(arith::CmpFPredicate::OEQ, ay, m.constant(x, std::numeric_limits<double>::infinity()));
  rest = m.withSign(m.select(isInfinite, ax, rest), x);
  if (hasSignOfX)
    return rest;
  // The rest has the sign of x: where that is not the sign of y, one y more.
  Value isExact = m.compare(arith::CmpFPredicate::OEQ, rest, zero);
  Value differs = m.compare(arith::CmpFPredicate::OLT, m.mul(m.withSign(one, rest), m.withSign(one, y)), zero);
  Value moved = m.select(differs, m.add(rest, y), rest);
  return m.select(isExact, m.withSign(rest, y), moved);
}

} // namespace tenon::graph
