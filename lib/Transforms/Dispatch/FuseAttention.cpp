//===- FuseAttention.cpp - Attention that models spell out ----------------===//
//
// Before ONNX had an operator for it, attention was exported as two matrix products around a softmax. Their scores are
// a tensor that is written and read several times; graph.attention keeps them on chip.
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Transforms/Passes.h"

namespace tenon {
#define GEN_PASS_DEF_FUSEATTENTION
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

static SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }

/// The number that `v` holds, if it is a constant of one element.
static std::optional<double> getNumber(Value v) {
  DenseFPElementsAttr value;
  if (!matchPattern(v, m_Constant(&value)) || value.getNumElements() != 1)
    return std::nullopt;
  return (*value.begin()).convertToDouble();
}

namespace {

/// softmax(scale * (q k') + mask) v.
struct Attention {
  Value q, k, v, mask;
  double scale = 1;

  static FailureOr<Attention> match(MatMulOp op, PatternRewriter &rewriter);

private:
  LogicalResult matchScores(Value scores, MatMulOp op, PatternRewriter &rewriter);
  LogicalResult matchKeys(MatMulOp product, MatMulOp op, PatternRewriter &rewriter);
  void peelMask(Value &scores);
  void peelScale(Value &scores);
};

} // namespace

/// x + mask, where x has the extents of the sum.
void Attention::peelMask(Value &scores) {
  auto sum = scores.getDefiningOp<AddOp>();
  if (!sum || !sum->hasOneUse())
    return;
  auto isScores = [&](Value v) {
    Operation *op = v.getDefiningOp();
    return op && op->hasOneUse() && isa<MatMulOp, MulOp, DivOp>(op) && dimsOf(v) == dimsOf(scores);
  };
  for (unsigned i : {0, 1})
    if (isScores(sum->getOperand(i))) {
      scores = sum->getOperand(i);
      mask = sum->getOperand(1 - i);
      return;
    }
}

void Attention::peelScale(Value &scores) {
  Operation *op = scores.getDefiningOp();
  if (!op || !op->hasOneUse() || !isa<MulOp, DivOp>(op))
    return;
  bool isProduct = isa<MulOp>(op);
  for (unsigned i : {0, 1}) {
    auto number = getNumber(op->getOperand(1 - i));
    if (!number || (!isProduct && i == 1))
      continue;
    scores = op->getOperand(i);
    scale = isProduct ? *number : 1 / *number;
    return;
  }
}

/// Keys as [B, H, T, E]: the product's operand, or where that is transposed, what it is transposed from.
LogicalResult Attention::matchKeys(MatMulOp product, MatMulOp op, PatternRewriter &rewriter) {
  k = product.getW();
  if (product.getTransposeW())
    return success();
  auto transpose = k.getDefiningOp<TransposeOp>();
  if (!transpose)
    return rewriter.notifyMatchFailure(op, "keys are not transposed");
  SmallVector<int64_t> perm(transpose.getPerm());
  std::swap(perm[2], perm[3]);
  k = transpose.getX();
  if (!llvm::equal(perm, llvm::seq<int64_t>(0, 4)))
    k = TransposeOp::create(rewriter, transpose.getLoc(), k, perm);
  return success();
}

LogicalResult Attention::matchScores(Value scores, MatMulOp op, PatternRewriter &rewriter) {
  peelMask(scores);
  peelScale(scores);
  auto product = scores.getDefiningOp<MatMulOp>();
  if (!product || !product->hasOneUse())
    return rewriter.notifyMatchFailure(op, "scores are not a product of their own");
  q = product.getX();
  auto qDims = dimsOf(q), wDims = dimsOf(product.getW()), vDims = dimsOf(v);
  if (qDims.size() != 4 || wDims.size() != 4 || vDims.size() != 4)
    return rewriter.notifyMatchFailure(op, "operands have no batch and heads");
  if (!qDims[1].getConstant() || !qDims[3].getConstant() || !vDims[3].getConstant())
    return rewriter.notifyMatchFailure(op, "heads are not constant");
  for (unsigned i : {0, 1})
    if (wDims[i] != qDims[i] || vDims[i] != qDims[i])
      return rewriter.notifyMatchFailure(op, "batches or heads are broadcast");
  if (dimsOf(scores)[3] != vDims[2])
    return rewriter.notifyMatchFailure(op, "keys and values differ in number");
  if (dimsOf(op.getResult()) != SmallVector<DimAttr>{qDims[0], qDims[1], qDims[2], vDims[3]})
    return rewriter.notifyMatchFailure(op, "extents have another form");
  if (mask && cast<RankedTensorType>(mask.getType()).getRank() > 4)
    return rewriter.notifyMatchFailure(op, "the mask has too many dimensions");
  return matchKeys(product, op, rewriter);
}

FailureOr<Attention> Attention::match(MatMulOp op, PatternRewriter &rewriter) {
  auto softmax = op.getX().getDefiningOp<SoftmaxOp>();
  if (!softmax || !softmax->hasOneUse() || op.getTransposeW())
    return failure();
  auto type = cast<RankedTensorType>(softmax.getResult().getType());
  if (type.getRank() != 4 || softmax.getAxis() != 3)
    return rewriter.notifyMatchFailure(op, "the softmax is not over keys");
  Attention attention;
  attention.v = op.getW();
  if (failed(attention.matchScores(softmax.getX(), op, rewriter)))
    return failure();
  return attention;
}

namespace {

/// matmul(softmax(matmul(q, k') * scale + mask), v)  ->  attention q, k, v mask {nan_rows}
struct FuseProducts : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    FailureOr<Attention> found = Attention::match(op, rewriter);
    if (failed(found))
      return failure();
    Location loc = rewriter.getFusedLoc({found->q.getLoc(), op.getLoc()});
    Value fused = AttentionOp::create(rewriter, loc, found->q, found->k, found->v, found->mask, APFloat(found->scale),
                                      APFloat(0.0), DimAttr(), /*nan_rows=*/true);
    remark::passed(op.getLoc(), remark::RemarkOpts::name("FuseAttention").category("fusion"));
    rewriter.replaceOp(op, fused);
    return success();
  }
};

struct FuseAttention : tenon::impl::FuseAttentionBase<FuseAttention> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseProducts>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
