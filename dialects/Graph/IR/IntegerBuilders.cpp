//===- IntegerBuilders.cpp - Code of elementwise ops on integers ----------===//
//
// Registers are signless; whether elements are unsigned is an argument. Nothing here may trap: the processor does on a
// division by zero and on the smallest integer divided by -1.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tenon::graph {

static Value isEqual(OpBuilder &b, Location loc, Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}

static Value isNegative(OpBuilder &b, Location loc, Value x) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, splat(b, loc, x, 0));
}

Value buildIntegerMinimum(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned) {
  if (isUnsigned)
    return arith::MinUIOp::create(b, loc, x, y);
  return arith::MinSIOp::create(b, loc, x, y);
}

Value buildIntegerMaximum(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned) {
  if (isUnsigned)
    return arith::MaxUIOp::create(b, loc, x, y);
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value buildDivide(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned) {
  // Divide by 1 where the processor would trap, and correct the result.
  Value zero = splat(b, loc, y, 0), one = splat(b, loc, y, 1);
  Value isZero = isEqual(b, loc, y, zero);
  if (isUnsigned) {
    Value safe = arith::SelectOp::create(b, loc, isZero, one, y);
    return arith::SelectOp::create(b, loc, isZero, zero, arith::DivUIOp::create(b, loc, x, safe));
  }
  Value isMinusOne = isEqual(b, loc, y, splat(b, loc, y, -1));
  Value safe = arith::SelectOp::create(b, loc, arith::OrIOp::create(b, loc, isZero, isMinusOne), one, y);
  Value quotient = arith::DivSIOp::create(b, loc, x, safe);
  Value negated = arith::SubIOp::create(b, loc, zero, x);
  quotient = arith::SelectOp::create(b, loc, isMinusOne, negated, quotient);
  return arith::SelectOp::create(b, loc, isZero, zero, quotient);
}

Value buildRemainder(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned, bool hasSignOfX) {
  Value zero = splat(b, loc, y, 0);
  Value quotient = buildDivide(b, loc, x, y, isUnsigned);
  Value rest = arith::SubIOp::create(b, loc, x, arith::MulIOp::create(b, loc, quotient, y));
  rest = arith::SelectOp::create(b, loc, isEqual(b, loc, y, zero), zero, rest);
  if (isUnsigned || hasSignOfX)
    return rest;
  // The rest has the sign of x: where that is not the sign of y, one y more.
  Value differs = isNegative(b, loc, arith::XOrIOp::create(b, loc, rest, y));
  Value isExact = isEqual(b, loc, rest, zero);
  Value moved = arith::SelectOp::create(b, loc, differs, arith::AddIOp::create(b, loc, rest, y), rest);
  return arith::SelectOp::create(b, loc, isExact, rest, moved);
}

/// Square and multiply over the 6 lowest bits of y. An exponent above 63 stands for 62 or 63: by then 0, 1 and -1 are
/// the only bases that do not overflow.
Value buildIntegerPower(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned) {
  if (x.getType() != y.getType())
    return {};
  Value zero = splat(b, loc, x, 0), one = splat(b, loc, x, 1);
  Value isOdd = arith::AndIOp::create(b, loc, y, one);
  Value limit = arith::AddIOp::create(b, loc, isOdd, splat(b, loc, x, 62));
  Value exponent = buildIntegerMinimum(b, loc, y, limit, isUnsigned);
  Value result = one, base = x;
  for (int bit = 0; bit < 6; ++bit) {
    Value mask = splat(b, loc, x, 1 << bit);
    Value isSet = isEqual(b, loc, arith::AndIOp::create(b, loc, exponent, mask), mask);
    result = arith::SelectOp::create(b, loc, isSet, arith::MulIOp::create(b, loc, result, base), result);
    base = arith::MulIOp::create(b, loc, base, base);
  }
  if (isUnsigned)
    return result;
  // 1 / x^|y| truncates to 0 but for x = 1 and x = -1.
  Value minusOne = splat(b, loc, x, -1);
  Value alternating = arith::SelectOp::create(b, loc, isEqual(b, loc, isOdd, one), minusOne, one);
  Value inverse = arith::SelectOp::create(b, loc, isEqual(b, loc, x, minusOne), alternating, zero);
  inverse = arith::SelectOp::create(b, loc, isEqual(b, loc, x, one), one, inverse);
  return arith::SelectOp::create(b, loc, isNegative(b, loc, y), inverse, result);
}

Value buildShift(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned, bool left) {
  int64_t width = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  Value last = splat(b, loc, x, static_cast<double>(width - 1));
  Value fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, y, last);
  Value count = arith::MinUIOp::create(b, loc, y, last);
  if (!left && !isUnsigned)
    return arith::ShRSIOp::create(b, loc, x, count);
  Value shifted = left ? Value(arith::ShLIOp::create(b, loc, x, count)) : arith::ShRUIOp::create(b, loc, x, count);
  return arith::SelectOp::create(b, loc, fits, shifted, splat(b, loc, x, 0));
}

Value buildSign(OpBuilder &b, Location loc, Value x, bool isUnsigned) {
  Value zero = splat(b, loc, x, 0), one = splat(b, loc, x, 1);
  Value isPositive, isBelow;
  if (isFloatLike(x)) {
    isPositive = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, zero);
    isBelow = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
  } else {
    auto above = isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt;
    isPositive = arith::CmpIOp::create(b, loc, above, x, zero);
    isBelow = isUnsigned ? Value() : isNegative(b, loc, x);
  }
  Value rest = isBelow ? Value(arith::SelectOp::create(b, loc, isBelow, splat(b, loc, x, -1), zero)) : zero;
  return arith::SelectOp::create(b, loc, isPositive, one, rest);
}

} // namespace tenon::graph
