//===- VectorMath.cpp - Math functions as plain vector code ---------------===//
//
// Upstream's polynomials (Cephes and Eigen) are within 1 to 4 units in the last place of f32.
//
//===----------------------------------------------------------------------===//
#include "VectorMath.h"

#include "DoubleMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

Value constantLike(OpBuilder &b, Location loc, Type type, double value) {
  auto scalar = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto shaped = dyn_cast<ShapedType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(shaped, scalar.getValue()));
  return arith::ConstantOp::create(b, loc, scalar);
}

/// pow(x, y)  ->  e^(y ln |x|), signed for odd y, NaN for a negative x and a fractional y, 1 for y = 0.
struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isF32() && !getElementTypeOrSelf(type).isF64())
      return rewriter.notifyMatchFailure(op, "not f32 or f64");
    Value x = op.getLhs(), y = op.getRhs();
    auto constant = [&](double value) { return constantLike(rewriter, loc, type, value); };
    auto compare = [&](arith::CmpFPredicate predicate, Value a, Value b) -> Value {
      return arith::CmpFOp::create(rewriter, loc, predicate, a, b);
    };
    Value logarithm = math::LogOp::create(rewriter, loc, math::AbsFOp::create(rewriter, loc, x));
    Value power = math::ExpOp::create(rewriter, loc, arith::MulFOp::create(rewriter, loc, y, logarithm));
    Value half = arith::MulFOp::create(rewriter, loc, y, constant(0.5));
    Value isOdd = compare(arith::CmpFPredicate::ONE, half, math::FloorOp::create(rewriter, loc, half));
    Value isWhole = compare(arith::CmpFPredicate::OEQ, y, math::FloorOp::create(rewriter, loc, y));
    Value negated = arith::NegFOp::create(rewriter, loc, power);
    Value ofNegative = arith::SelectOp::create(rewriter, loc, isOdd, negated, power);
    ofNegative = arith::SelectOp::create(rewriter, loc, isWhole, ofNegative, constant(std::nan("")));
    Value isNegative = compare(arith::CmpFPredicate::OLT, x, constant(0));
    Value result = arith::SelectOp::create(rewriter, loc, isNegative, ofNegative, power);
    Value isZero = compare(arith::CmpFPredicate::OEQ, y, constant(0));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isZero, constant(1), result);
    return success();
  }
};

/// select of 16-bit floats  ->  select of their bits. LLVM would widen a scalar and call a function to narrow it again.
struct SelectBits : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, PatternRewriter &rewriter) const override {
    Type type = op.getType(), element = getElementTypeOrSelf(type), bits = rewriter.getI16Type();
    if (!element.isBF16() && !element.isF16())
      return rewriter.notifyMatchFailure(op, "no float of 16 bits");
    if (auto vector = dyn_cast<VectorType>(type))
      bits = VectorType::get(vector.getShape(), bits);
    auto toBits = [&](Value x) -> Value { return arith::BitcastOp::create(rewriter, op.getLoc(), bits, x); };
    Value chosen = arith::SelectOp::create(rewriter, op.getLoc(), op.getCondition(), toBits(op.getTrueValue()),
                                           toBits(op.getFalseValue()));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, type, chosen);
    return success();
  }
};

/// Functions without an instruction of their own.
bool isExpanded(StringRef name) {
  static constexpr StringRef names[] = {"acos", "asin",  "atan", "atan2", "cbrt", "cos", "erf", "erfc",
                                        "exp",  "expm1", "log",  "log1p", "log2", "sin", "tanh"};
  name.consume_front("math.");
  return llvm::is_contained(names, name);
}

struct ExpandMathPass : PassWrapper<ExpandMathPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandMathPass)
  StringRef getArgument() const override { return "tenon-expand-math"; }
  StringRef getDescription() const override { return "Replace functions of the math dialect by polynomials"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, math::MathDialect, vector::VectorDialect>();
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathF32ExpansionPatterns(patterns, [](StringRef) { return true; });
    populateMathPolynomialApproximationPatterns(patterns, isExpanded);
    math::populateExpansionPatterns(patterns, {"sinh", "cosh", "tan", "exp2f", "asinh", "acosh", "atanh", "roundf"});
    patterns.add<ExpandPow, SelectBits>(&getContext());
    populateDoubleMathPatterns(patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

std::unique_ptr<Pass> createExpandMathPass() { return std::make_unique<ExpandMathPass>(); }

} // namespace tenon::codegen
