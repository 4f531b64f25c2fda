//===- DoubleFunctions.cpp - Trigonometry and others of f64 ---------------===//
//
// Each reduces its argument to a small interval and takes a polynomial there: Taylor's, of as many terms as leave
// 2^-56, but for sin and cos (fdlibm's k_sin.c and k_cos.c) and the tail of erf (a Chebyshev fit, error 3e-17).
//
//===----------------------------------------------------------------------===//
#include "DoubleEmit.h"
#include "DoubleMath.h"
#include <limits>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// op of f64  ->  what `build` emits
template <typename OpTy, Value (*build)(DoubleEmit &, Value)>
struct Expand : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    DoubleEmit e(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, build(e, op.getOperand()));
    return success();
  }
};

/// sin(x + shift pi / 2): x = k pi / 2 + r with |r| <= pi / 4, and k mod 4 says which of +-sin r, +-cos r it is.
Value buildSine(DoubleEmit &e, Value x, int64_t shift) {
  Value k = math::RoundEvenOp::create(e.b, e.loc, e.mul(x, e.number(0x1.45f306dc9c883p-1)));
  Value minus = e.mul(k, e.number(-1));
  Value r = e.fma(minus, e.number(0x1.921fb54442d18p+0), x);
  r = e.fma(minus, e.number(0x1.1a62633145c07p-54), r);
  r = e.fma(minus, e.number(-0x1.f1976b7ed8fbcp-110), r);
  Value z = e.mul(r, r);
  Value sine = e.polynomial(z, {-1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
                                2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10});
  sine = e.fma(e.mul(z, r), sine, r);
  Value cosine =
      e.polynomial(z, {4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
                       -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11});
  // 1 - z / 2, and what its rounding lost.
  Value half = e.mul(z, e.number(0.5)), main = e.sub(e.number(1), half);
  Value lost = e.sub(e.sub(e.number(1), main), half);
  cosine = e.add(main, e.fma(e.mul(z, z), cosine, lost));
  // The conversion of what is no integer of 64 bits has no value; r is not a number there.
  Value isWhole = e.compare(arith::CmpFPredicate::OLT, e.abs(k), 0x1p52);
  Value quadrant = arith::FPToSIOp::create(e.b, e.loc, e.integer, e.select(isWhole, k, e.number(0)));
  quadrant = arith::AddIOp::create(e.b, e.loc, quadrant, e.bits(shift));
  auto hasBit = [&](int64_t bit) -> Value {
    Value masked = arith::AndIOp::create(e.b, e.loc, quadrant, e.bits(bit));
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne, masked, e.bits(0));
  };
  Value result = e.select(hasBit(1), cosine, sine);
  return e.select(hasBit(2), e.mul(result, e.number(-1)), result);
}

Value buildSin(DoubleEmit &e, Value x) {
  return e.select(e.equals(x, 0), x, buildSine(e, x, 0)); // -0 stays
}

Value buildCos(DoubleEmit &e, Value x) { return buildSine(e, x, 1); }

/// |x| <= ln 2 / 2: a polynomial; else e^x - 1.
Value buildExpM1(DoubleEmit &e, Value x) {
  SmallVector<double> taylor = {0.5};
  for (int i = 3; i <= 15; ++i)
    taylor.push_back(taylor.back() / i);
  Value small = e.fma(e.mul(x, x), e.polynomial(x, taylor), x);
  Value large = e.sub(e.exp(x), e.number(1));
  return e.select(e.compare(arith::CmpFPredicate::OLE, e.abs(x), 0.35), small, large);
}

/// With u = 1 + x rounded: ln(u) x / (u - 1), in which the rounding cancels.
Value buildLog1p(DoubleEmit &e, Value x) {
  Value u = e.add(x, e.number(1)), isOne = e.equals(u, 1), isInfinite = e.equals(x, infinity);
  Value step = e.select(isOne, e.number(1), e.sub(u, e.number(1)));
  Value result = e.mul(math::LogOp::create(e.b, e.loc, u), e.div(x, step));
  return e.select(arith::OrIOp::create(e.b, e.loc, isOne, isInfinite), x, result);
}

/// With t = e^2|x| - 1: t / (t + 2); 1 from |x| = 20 on.
Value buildTanh(DoubleEmit &e, Value x) {
  Value magnitude = e.abs(x);
  magnitude = e.select(e.isAbove(magnitude, 20), e.number(20), magnitude);
  Value t = buildExpM1(e, e.mul(magnitude, e.number(2)));
  return e.withSign(e.div(t, e.add(t, e.number(2))), x);
}

/// |x| <= 1: Taylor's series. Up to 6: 1 - e^-x^2 g((x - 2) / (x + 2)) / (x + 2). Beyond it is 1.
Value buildErf(DoubleEmit &e, Value x) {
  SmallVector<double> taylor;
  double factor = M_2_SQRTPI;
  for (int i = 0; i <= 19; ++i) {
    taylor.push_back(factor / (2 * i + 1));
    factor = -factor / (i + 1);
  }
  Value magnitude = e.abs(x);
  Value small = e.mul(x, e.polynomial(e.mul(x, x), taylor));
  Value bounded = e.select(e.isAbove(magnitude, 6), e.number(6), magnitude);
  Value sum = e.add(bounded, e.number(2)), t = e.div(e.sub(bounded, e.number(2)), sum);
  Value g =
      e.polynomial(t, {0x1.058671b52c776p+0, -0x1.5fd386754eff9p-1, 0x1.1e2deea6b107bp-2, -0x1.2a88e6107cd8ep-5,
                       -0x1.606e4154ae355p-6, 0x1.a89eaff4b7228p-8, 0x1.9517bab8fd98fp-9, -0x1.b6fbf222fceadp-11,
                       -0x1.5ba3f94b4ad5fp-11, 0x1.2046f7a2177b9p-15, 0x1.2ef0169437598p-13, 0x1.1f2c1d04f6965p-15,
                       -0x1.6afe7cbfc4336p-16, -0x1.18073517130ddp-16, -0x1.b71f35226a45bp-21, 0x1.581a78efdeeb8p-18});
  Value tail = e.div(e.mul(e.exp(e.mul(e.mul(bounded, bounded), e.number(-1))), g), sum);
  Value large = e.withSign(e.sub(e.number(1), tail), x);
  return e.select(e.isAbove(magnitude, 1), large, small);
}

/// |x| above 1: pi / 2 - atan(1 / |x|); above tan(pi / 8) then: pi / 4 + atan((y - 1) / (y + 1)).
Value buildAtan(DoubleEmit &e, Value x) {
  Value magnitude = e.abs(x), isLarge = e.isAbove(magnitude, 1);
  Value y = e.select(isLarge, e.div(e.number(1), magnitude), magnitude);
  Value isSteep = e.isAbove(y, 0.41421356237309503);
  Value t = e.select(isSteep, e.div(e.sub(y, e.number(1)), e.add(y, e.number(1))), y), z = e.mul(t, t);
  SmallVector<double> taylor;
  for (int i = 1; i <= 20; ++i)
    taylor.push_back((i % 2 ? -1.0 : 1.0) / (2 * i + 1));
  Value angle = e.fma(e.mul(t, z), e.polynomial(z, taylor), t);
  angle = e.select(isSteep, e.add(angle, e.number(M_PI_4)), angle);
  return e.withSign(e.select(isLarge, e.sub(e.number(M_PI_2), angle), angle), x);
}

/// Of 0 <= x <= 1/2: x (1 + z / 6 + ..) with z = x^2.
Value buildArcsineSeries(DoubleEmit &e, Value x, Value z) {
  SmallVector<double> taylor;
  double binomial = 1;
  for (int i = 1; i <= 26; ++i) {
    binomial *= (2.0 * i - 1) / (2.0 * i);
    taylor.push_back(binomial / (2 * i + 1));
  }
  return e.fma(e.mul(x, z), e.polynomial(z, taylor), x);
}

/// The arcsine of |x| where that is at most 1/2, else that of sqrt((1 - |x|) / 2).
Value buildReducedArcsine(DoubleEmit &e, Value magnitude, Value isLarge) {
  Value rest = e.mul(e.sub(e.number(1), magnitude), e.number(0.5));
  Value z = e.select(isLarge, rest, e.mul(magnitude, magnitude));
  return buildArcsineSeries(e, e.select(isLarge, e.sqrt(rest), magnitude), z);
}

/// |x| above 1/2: pi / 2 - 2 asin(sqrt((1 - |x|) / 2)).
Value buildAsin(DoubleEmit &e, Value x) {
  Value magnitude = e.abs(x), isLarge = e.isAbove(magnitude, 0.5);
  Value angle = buildReducedArcsine(e, magnitude, isLarge);
  return e.withSign(e.select(isLarge, e.fma(angle, e.number(-2), e.number(M_PI_2)), angle), x);
}

/// pi / 2 - asin(x); |x| above 1/2: 2 asin(sqrt((1 - |x|) / 2)), or pi minus that.
Value buildAcos(DoubleEmit &e, Value x) {
  Value magnitude = e.abs(x), isLarge = e.isAbove(magnitude, 0.5),
        isNegative = e.compare(arith::CmpFPredicate::OLT, x, 0);
  Value angle = buildReducedArcsine(e, magnitude, isLarge);
  Value twice = e.mul(angle, e.number(2));
  Value large = e.select(isNegative, e.sub(e.number(M_PI), twice), twice);
  Value small = e.sub(e.number(M_PI_2), e.withSign(angle, x));
  return e.select(isLarge, large, small);
}

} // namespace

void populateDoubleFunctionPatterns(RewritePatternSet &patterns) {
  patterns.add<Expand<math::SinOp, buildSin>, Expand<math::CosOp, buildCos>, Expand<math::ExpM1Op, buildExpM1>,
               Expand<math::Log1pOp, buildLog1p>, Expand<math::TanhOp, buildTanh>, Expand<math::ErfOp, buildErf>,
               Expand<math::AtanOp, buildAtan>, Expand<math::AsinOp, buildAsin>, Expand<math::AcosOp, buildAcos>>(
      patterns.getContext());
}

} // namespace tenon::codegen
