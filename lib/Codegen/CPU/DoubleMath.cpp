//===- DoubleMath.cpp - Functions of f64 as plain vector code -------------===//
//
// exp: x = k ln 2 + r with |r| <= ln 2 / 2, a Taylor polynomial in r (the next term is below 2^-57), times 2^k.
// log: x = 2^e m with m around 1, ln m = 2 artanh((m - 1) / (m + 1)) as a polynomial in the square of that.
//
//===----------------------------------------------------------------------===//
#include "DoubleMath.h"

#include "DoubleEmit.h"
#include <limits>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr double ln2High = 0x1.62e42fefa3800p-1, ln2Low = 0x1.ef35793c76730p-45;
constexpr double infinity = std::numeric_limits<double>::infinity();

struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    DoubleEmit e(rewriter, op.getLoc(), op.getType());
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
    DoubleEmit e(rewriter, loc, op.getType());
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
  populateDoubleFunctionPatterns(patterns);
}

} // namespace tenon::codegen
