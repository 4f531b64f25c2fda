//===- MergeLinear.cpp - Fewer products that do the same ------------------===//
//
// As in Simplify, numbers are not computed here: a merge builds the small graph that computes the new weight, and
// tenon-fold-constants evaluates it. Merged weights are rounded once more and sums are taken in another order: results
// agree to rounding, not bit for bit; only parallel products and equal constants stay exact.
//
//===----------------------------------------------------------------------===//
#include "Merging.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Transforms/CompressPasses.h"

namespace tenon {
#define GEN_PASS_DEF_MERGELINEAR
#include "tenon/Transforms/CompressPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

/// True of a constant, and of what a merge before this one made of constants.
static bool isWeight(Value v, int depth = 8) {
  Operation *op = v.getDefiningOp();
  return op && depth > 0 && isPure(op) && cast<RankedTensorType>(v.getType()).hasStaticShape() &&
         llvm::all_of(op->getOperands(), [&](Value x) { return isWeight(x, depth - 1); });
}

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

static Value reshapeTo(OpBuilder &b, Location loc, Value v, ArrayRef<int64_t> shape) {
  return ReshapeOp::create(b, loc, RankedTensorType::get(shape, typeOf(v).getElementType()), v);
}

/// `v` as a tensor of `shape` if it is a weight that has, broadcast to rank `rank`, one value for each index of the
/// dimension `axis` of extent `count`; null otherwise.
static Value asVector(OpBuilder &b, Value v, int64_t rank, int64_t axis, int64_t count, ArrayRef<int64_t> shape) {
  auto type = typeOf(v);
  int64_t own = axis - (rank - type.getRank());
  if (!isWeight(v) || own < 0 || type.getNumElements() != count || type.getDimSize(own) != count)
    return {};
  return reshapeTo(b, v.getLoc(), v, shape);
}

/// w, or its transpose, of a product with a rank-2 weight: [k, n].
static Value asRows(OpBuilder &b, MatMulOp op) {
  if (!op.getTransposeW())
    return op.getW();
  return TransposeOp::create(b, op.getLoc(), op.getW(), b.getDenseI64ArrayAttr({1, 0}));
}

static bool hasMatrixWeight(MatMulOp op) {
  return typeOf(op.getW()).getRank() == 2 && typeOf(op.getX()).getRank() >= 2 && isWeight(op.getW());
}

/// A convolution whose weight and bias are known.
static bool hasWeights(ConvOp op) {
  return !op.getChannelsLast() && isWeight(op.getW()) && (!op.getBias() || isWeight(op.getBias()));
}

static Value convLike(PatternRewriter &rewriter, ConvOp conv, Location loc, Value x, Value w, Value bias) {
  return ConvOp::create(rewriter, loc, x, w, bias, conv.getStridesAttr(), conv.getPadsAttr(), conv.getDilationsAttr(),
                        conv.getGroupAttr(), conv.getChannelsLastAttr());
}

namespace {

/// (x w1) w2  ->  x (w1 w2), and (x w1 + b) w2  ->  x (w1 w2) + b w2, where that is fewer multiplications.
struct MergeProducts : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    if (!hasMatrixWeight(op))
      return rewriter.notifyMatchFailure(op, "no rank-2 weight");
    Value x = op.getX(), bias;
    if (auto add = x.getDefiningOp<AddOp>(); add && add->hasOneUse())
      for (unsigned i : {0, 1})
        if (isWeight(add->getOperand(i)) && typeOf(add->getOperand(i)).getRank() == 1) {
          bias = add->getOperand(i);
          x = add->getOperand(1 - i);
          break;
        }
    auto first = x.getDefiningOp<MatMulOp>();
    if (!first || !first->hasOneUse() || !hasMatrixWeight(first))
      return rewriter.notifyMatchFailure(op, "x is not a product of its own");
    Value w1 = asRows(rewriter, first), w2 = asRows(rewriter, op);
    int64_t k = typeOf(w1).getDimSize(0), h = typeOf(w1).getDimSize(1), n = typeOf(w2).getDimSize(1);
    if ((bias && typeOf(bias).getDimSize(0) != h) || k * n >= h * (k + n))
      return rewriter.notifyMatchFailure(op, "not fewer multiplications");
    auto loc = rewriter.getFusedLoc({first.getLoc(), op.getLoc()});
    Value w = MatMulOp::create(rewriter, loc, w1, w2, UnitAttr());
    Value y = MatMulOp::create(rewriter, loc, first.getX(), w, UnitAttr());
    if (bias) {
      Value row = MatMulOp::create(rewriter, loc, reshapeTo(rewriter, loc, bias, {1, h}), w2, UnitAttr());
      y = AddOp::create(rewriter, loc, y, reshapeTo(rewriter, loc, row, {n}));
    }
    rewriter.replaceOp(op, y);
    return success();
  }
};

/// A convolution and then one of 1 x 1  ->  one convolution, where that is fewer multiplications.
struct MergePointwise : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override {
    auto first = op.getX().getDefiningOp<ConvOp>();
    auto isAll = [](ArrayRef<int64_t> values, int64_t value) {
      return llvm::all_of(values, [&](int64_t x) { return x == value; });
    };
    if (!first || !first->hasOneUse() || first.getGroup() != 1 || op.getGroup() != 1 || !hasWeights(first) ||
        !hasWeights(op) || !isAll(typeOf(op.getW()).getShape().drop_front(2), 1) || !isAll(op.getStrides(), 1) ||
        !isAll(op.getPads(), 0))
      return rewriter.notifyMatchFailure(op, "no convolution of its own before one of 1 x 1");
    ArrayRef<int64_t> shape = typeOf(first.getW()).getShape();
    int64_t middle = shape[0], inner = typeOf(first.getW()).getNumElements() / middle,
            m = typeOf(op.getW()).getDimSize(0);
    if (m * inner >= middle * (inner + m))
      return rewriter.notifyMatchFailure(op, "not fewer multiplications");
    auto loc = rewriter.getFusedLoc({first.getLoc(), op.getLoc()});
    Value w2 = reshapeTo(rewriter, loc, op.getW(), {m, middle});
    Value w = MatMulOp::create(rewriter, loc, w2, reshapeTo(rewriter, loc, first.getW(), {middle, inner}), UnitAttr());
    Value bias = op.getBias();
    if (first.getBias()) {
      Value column = reshapeTo(rewriter, loc, first.getBias(), {middle, 1});
      Value through = reshapeTo(rewriter, loc, MatMulOp::create(rewriter, loc, w2, column, UnitAttr()), {m});
      bias = bias ? Value(AddOp::create(rewriter, loc, through, bias)) : through;
    }
    SmallVector<int64_t> merged(shape);
    merged[0] = m;
    rewriter.replaceOp(op, convLike(rewriter, first, loc, first.getX(), reshapeTo(rewriter, loc, w, merged), bias));
    return success();
  }
};

/// y * s  ->  s in the weights of the product or convolution that y is the only result of, for constants s per channel.
struct FoldScaleAfter : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      Operation *producer = op->getOperand(i).getDefiningOp();
      if (!producer || !producer->hasOneUse() || producer->getResult(0).getType() != op.getType())
        continue;
      if (auto conv = dyn_cast<ConvOp>(producer); conv && hasWeights(conv) && scale(conv, op, 1 - i, rewriter))
        return success();
      if (auto product = dyn_cast<MatMulOp>(producer);
          product && hasMatrixWeight(product) && scale(product, op, 1 - i, rewriter))
        return success();
    }
    return rewriter.notifyMatchFailure(op, "no product of its own with a constant per channel");
  }

private:
  static bool scale(ConvOp conv, MulOp op, unsigned which, PatternRewriter &rewriter) {
    int64_t rank = typeOf(conv.getW()).getRank(), m = typeOf(conv.getW()).getDimSize(0);
    SmallVector<int64_t> shape(rank, 1);
    shape[0] = m;
    Value s = asVector(rewriter, op->getOperand(which), rank, 1, m, shape);
    if (!s)
      return false;
    auto loc = rewriter.getFusedLoc({conv.getLoc(), op.getLoc()});
    Value bias = conv.getBias();
    if (bias)
      bias = MulOp::create(rewriter, loc, bias, reshapeTo(rewriter, loc, s, {m}));
    Value w = MulOp::create(rewriter, loc, conv.getW(), s);
    rewriter.replaceOp(op, convLike(rewriter, conv, loc, conv.getX(), w, bias));
    return true;
  }

  static bool scale(MatMulOp product, MulOp op, unsigned which, PatternRewriter &rewriter) {
    int64_t rank = typeOf(product.getResult()).getRank();
    int64_t n = typeOf(product.getW()).getDimSize(product.getTransposeW() ? 0 : 1);
    SmallVector<int64_t> shape = product.getTransposeW() ? SmallVector<int64_t>{n, 1} : SmallVector<int64_t>{n};
    Value s = asVector(rewriter, op->getOperand(which), rank, rank - 1, n, shape);
    if (!s)
      return false;
    auto loc = rewriter.getFusedLoc({product.getLoc(), op.getLoc()});
    Value w = MulOp::create(rewriter, loc, product.getW(), s);
    rewriter.replaceOpWithNewOp<MatMulOp>(op, product.getX(), w, product.getTransposeWAttr());
    return true;
  }
};

/// (x * s) w  ->  x (s w) for constants s per input, where nothing else reads x * s. Padding of a convolution stays
/// zero.
struct FoldScaleBefore : OpTraitRewritePattern<OpTrait::OneResult> {
  using OpTraitRewritePattern::OpTraitRewritePattern;
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    auto conv = dyn_cast<ConvOp>(op);
    auto product = dyn_cast<MatMulOp>(op);
    if (!(conv && hasWeights(conv) && conv.getGroup() == 1) && !(product && hasMatrixWeight(product)))
      return rewriter.notifyMatchFailure(op, "no product with a weight");
    auto mul = op->getOperand(0).getDefiningOp<MulOp>();
    if (!mul || !mul->hasOneUse())
      return rewriter.notifyMatchFailure(op, "x is not scaled for this alone");
    Value w = op->getOperand(1);
    int64_t rank = typeOf(op->getOperand(0)).getRank(), axis = conv ? 1 : rank - 1;
    int64_t along = conv || product.getTransposeW() ? 1 : 0, count = typeOf(w).getDimSize(along);
    SmallVector<int64_t> shape(typeOf(w).getRank(), 1);
    shape[along] = count;
    for (unsigned i : {0, 1}) {
      if (mul->getOperand(i).getType() != mul.getType())
        continue;
      Value s = asVector(rewriter, mul->getOperand(1 - i), rank, axis, count, shape);
      if (!s)
        continue;
      Value scaled = MulOp::create(rewriter, rewriter.getFusedLoc({mul.getLoc(), op->getLoc()}), w, s);
      rewriter.modifyOpInPlace(op, [&] {
        op->setOperand(0, mul->getOperand(i));
        op->setOperand(1, scaled);
      });
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no constant per channel");
  }
};

struct MergeLinear : tenon::impl::MergeLinearBase<MergeLinear> {
  using MergeLinearBase::MergeLinearBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    mergeEqualConstants(function);
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(function);
    eliminateCommonSubExpressions(rewriter, dominance, function);
    RewritePatternSet patterns(&getContext());
    patterns.add<MergeProducts, MergePointwise, FoldScaleAfter>(&getContext());
    patterns.add<FoldScaleBefore>(&getContext());
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      return signalPassFailure();
    if (parallel)
      mergeParallelProducts(function);
  }
};

} // namespace
