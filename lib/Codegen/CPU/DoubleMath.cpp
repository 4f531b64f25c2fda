//===- DoubleMath.cpp - Functions of f64 as plain vector code -------------===//
//
// exp: x = k ln 2 + r with |r| <= ln 2 / 2, a Taylor polynomial in r (the next term is below 2^-57), times 2^k.
// log: x = 2^e m with m around 1, ln m = 2 artanh((m - 1) / (m + 1)) as a polynomial in the square of that.
//
//===----------------------------------------------------------------------===//
#include "DoubleMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr double ln2High = 0x1.62e42fefa3800p-1, ln2Low = 0x1.ef35793c76730p-45;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// Arithmetic on f64 and i64, scalars or vectors alike.
struct Emit {
  OpBuilder &b;
  Location loc;
  Type real, integer;

  Emit(OpBuilder &b, Location loc, Type type) : b(b), loc(loc), real(type), integer(b.getI64Type()) {
    if (auto vector = dyn_cast<VectorType>(type))
      integer = VectorType::get(vector.getShape(), integer);
  }
  Value constant(Type type, Attribute value) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, value));
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(value));
  }
  Value number(double value) { return constant(real, b.getF64FloatAttr(value)); }
  Value bits(int64_t value) { return constant(integer, b.getI64IntegerAttr(value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }
  Value compare(arith::CmpFPredicate predicate, Value x, double y) {
    return arith::CmpFOp::create(b, loc, predicate, x, number(y));
  }
  Value asBits(Value x) { return arith::BitcastOp::create(b, loc, integer, x); }
  Value asReal(Value x) { return arith::BitcastOp::create(b, loc, real, x); }
  /// 2^k of an i64, -1022 <= k <= 1023.
  Value power(Value k) {
    return asReal(arith::ShLIOp::create(b, loc, arith::AddIOp::create(b, loc, k, bits(1023)), bits(52)));
  }
  /// coefficients[0] + x (coefficients[1] + ..)
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value sum = number(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, number(c));
    return sum;
  }
};

struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    Emit e(rewriter, op.getLoc(), op.getType());
    Value x = op.getOperand();
    // Beyond these the result is 0 or infinity anyway, and 2^k would not fit.
    Value low = e.number(-750), high = e.number(710);
    Value y =
        arith::MaxNumFOp::create(rewriter, op.getLoc(), arith::MinNumFOp::create(rewriter, op.getLoc(), x, high), low);
    Value k = math::RoundEvenOp::create(rewriter, op.getLoc(), e.mul(y, e.number(0x1.71547652b82fep+0)));
    Value r = e.fma(k, e.number(-ln2Low), e.fma(k, e.number(-ln2High), y));
    SmallVector<double> taylor = {1};
    for (int i = 1; i <= 13; ++i)
      taylor.push_back(taylor.back() / i);
    // Half of k at a time: 2^k itself may be subnormal or too large.
    Value whole = arith::FPToSIOp::create(rewriter, op.getLoc(), e.integer, k);
    Value half = arith::ShRSIOp::create(rewriter, op.getLoc(), whole, e.bits(1));
    Value rest = arith::SubIOp::create(rewriter, op.getLoc(), whole, half);
    Value result = e.mul(e.mul(e.polynomial(r, taylor), e.power(half)), e.power(rest));
    result = e.select(e.compare(arith::CmpFPredicate::OGT, x, 709.782712893384), e.number(infinity), result);
    rewriter.replaceOp(op, e.select(e.compare(arith::CmpFPredicate::UNO, x, 0), x, result));
    return success();
  }
};

struct ExpandLog : OpRewritePattern<math::LogOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::LogOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    Location loc = op.getLoc();
    Emit e(rewriter, loc, op.getType());
    Value x = op.getOperand();
    Value isSmall = e.compare(arith::CmpFPredicate::OLT, x, 0x1p-1022);
    Value bits = e.asBits(e.select(isSmall, e.mul(x, e.number(0x1p54)), x));
    // m in [sqrt(1/2), sqrt(2)): the bits of sqrt(1/2) are taken off before the exponent is.
    Value moved = arith::SubIOp::create(rewriter, loc, bits, e.bits(0x3fe6a09e667f3bcd));
    Value exponent = arith::ShRSIOp::create(rewriter, loc, moved, e.bits(52));
    Value m = e.asReal(
        arith::SubIOp::create(rewriter, loc, bits, arith::ShLIOp::create(rewriter, loc, exponent, e.bits(52))));
    Value scale = arith::SIToFPOp::create(rewriter, loc, e.real, exponent);
    scale = e.select(isSmall, e.sub(scale, e.number(54)), scale);
    Value f = e.sub(m, e.number(1)), s = e.div(f, e.add(m, e.number(1))), z = e.mul(s, s);
    SmallVector<double> artanh;
    for (int i = 3; i <= 23; i += 2)
      artanh.push_back(2.0 / i);
    // ln m = 2 s + s z (..)
    Value tail = e.mul(e.mul(s, z), e.polynomial(z, artanh));
    Value result = e.add(e.fma(scale, e.number(ln2Low), tail), e.mul(s, e.number(2)));
    result = e.fma(scale, e.number(ln2High), result);
    result = e.select(e.compare(arith::CmpFPredicate::OEQ, x, infinity), x, result);
    result = e.select(e.compare(arith::CmpFPredicate::OEQ, x, 0), e.number(-infinity), result);
    rewriter.replaceOp(op, e.select(e.compare(arith::CmpFPredicate::ULT, x, 0),
                                    e.number(std::numeric_limits<double>::quiet_NaN()), result));
    return success();
  }
};

} // namespace

void populateDoubleMathPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandExp, ExpandLog>(patterns.getContext());
}

} // namespace tenon::codegen
