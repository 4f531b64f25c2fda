//===- Simplify.cpp - Rewrite graph ops to fewer or cheaper ones ----------===//
//
// Numbers are not computed here: a fold builds the small graph that computes the new constant, and tenon-fold-constants
// evaluates it.
//
//===----------------------------------------------------------------------===//
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Transforms/Passes.h"

namespace tenon {
#define GEN_PASS_DEF_SIMPLIFY
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

/// True if `v` is computed from constants alone by a few ops (folded later).
static bool isConstantExpression(Value v, int depth = 8) {
  Operation *op = v.getDefiningOp();
  if (!op || depth == 0 || !isPure(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value x) { return isConstantExpression(x, depth - 1); });
}

static Value reshapeTo(OpBuilder &b, Location loc, Value v, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, cast<RankedTensorType>(v.getType()).getElementType());
  return ReshapeOp::create(b, loc, type, v);
}

/// A rank-1 tensor of the channels if `v` broadcasts to [N, C, ...] of rank `rank` with values for each channel (or one
/// for all); null otherwise.
static Value asChannels(OpBuilder &b, Location loc, Value v, int64_t rank, int64_t channels) {
  auto type = cast<RankedTensorType>(v.getType());
  if (!type.hasStaticShape() || type.getRank() > rank)
    return {};
  if (type.getNumElements() == 1) {
    auto target = RankedTensorType::get({channels}, type.getElementType());
    return ExpandOp::create(b, loc, target, reshapeTo(b, loc, v, {1}));
  }
  int64_t axis = type.getRank() - (rank - 1);
  if (axis < 0 || type.getDimSize(axis) != channels || type.getNumElements() != channels)
    return {};
  return reshapeTo(b, loc, v, {channels});
}

namespace {

/// batch_normalization x  ->  x * s + t, with s = scale / sqrt(var + epsilon) and t = bias - mean * s
struct ExpandBatchNormalization : OpRewritePattern<BatchNormalizationOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormalizationOp op, PatternRewriter &rewriter) const override {
    auto x = op.getX().getType();
    if (x.isDynamicDim(1))
      return rewriter.notifyMatchFailure(op, "channels are not static");
    Location loc = op.getLoc();
    auto epsilonType = RankedTensorType::get({}, x.getElementType());
    auto epsilon = DenseElementsAttr::get(epsilonType,
                                          rewriter.getFloatAttr(x.getElementType(), op.getEpsilon().convertToDouble()));
    Value e = ConstantOp::create(rewriter, loc, epsilon);
    Value deviation = SqrtOp::create(rewriter, loc, AddOp::create(rewriter, loc, op.getVar(), e));
    Value s = DivOp::create(rewriter, loc, op.getScale(), deviation);
    Value t = SubOp::create(rewriter, loc, op.getBias(), MulOp::create(rewriter, loc, op.getMean(), s));
    SmallVector<int64_t> shape(x.getRank() - 1, 1);
    shape[0] = x.getDimSize(1);
    Value scaled = MulOp::create(rewriter, loc, op.getX(), reshapeTo(rewriter, loc, s, shape));
    rewriter.replaceOpWithNewOp<AddOp>(op, scaled, reshapeTo(rewriter, loc, t, shape));
    return success();
  }
};

/// The convolution (NCHW, constant weights, no other use) among the operands of a commutative op, and the other
/// operand.
std::pair<ConvOp, Value> matchConvOperand(Operation *op) {
  for (unsigned i : {0, 1}) {
    auto conv = op->getOperand(i).getDefiningOp<ConvOp>();
    if (conv && conv->hasOneUse() && !conv.getChannelsLast() &&
        conv.getResult().getType() == op->getResult(0).getType() && isConstantExpression(conv.getW()) &&
        (!conv.getBias() || isConstantExpression(conv.getBias())) && conv.getW().getType().hasStaticShape() &&
        isConstantExpression(op->getOperand(1 - i)))
      return {conv, op->getOperand(1 - i)};
  }
  return {};
}

void replaceConv(PatternRewriter &rewriter, Operation *op, ConvOp conv, Value w, Value bias) {
  auto loc = rewriter.getFusedLoc({conv.getLoc(), op->getLoc()});
  auto merged = ConvOp::create(rewriter, loc, conv.getX(), w, bias, conv.getStridesAttr(), conv.getPadsAttr(),
                               conv.getDilationsAttr(), conv.getGroupAttr(), conv.getChannelsLastAttr());
  rewriter.replaceOp(op, merged);
}

/// (conv x, w, b) + t  ->  conv x, w, (b + t) for constants t per channel
struct FoldShiftIntoConv : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    auto [conv, term] = matchConvOperand(op);
    if (!conv)
      return rewriter.notifyMatchFailure(op, "no convolution with constant weights and a constant term");
    auto w = conv.getW().getType();
    Value t = asChannels(rewriter, op.getLoc(), term, w.getRank(), w.getDimSize(0));
    if (!t)
      return rewriter.notifyMatchFailure(op, "term is not per channel");
    Value bias = conv.getBias() ? Value(AddOp::create(rewriter, op.getLoc(), conv.getBias(), t)) : t;
    replaceConv(rewriter, op, conv, conv.getW(), bias);
    return success();
  }
};

/// matmul x, (transpose w)  ->  matmul x, w {transpose_w} where the last two dimensions are swapped
struct FoldTransposeIntoMatMul : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getW().getDefiningOp<TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "w is not a transpose");
    SmallVector<int64_t> swap = llvm::to_vector(llvm::seq<int64_t>(0, transpose.getPerm().size()));
    if (swap.size() < 2)
      return rewriter.notifyMatchFailure(op, "w is a vector");
    std::swap(swap[swap.size() - 1], swap[swap.size() - 2]);
    if (transpose.getPerm() != ArrayRef<int64_t>(swap))
      return rewriter.notifyMatchFailure(op, "w is not transposed in its last two dimensions");
    UnitAttr flag = op.getTransposeW() ? UnitAttr() : rewriter.getUnitAttr();
    rewriter.replaceOpWithNewOp<MatMulOp>(op, op.getX(), transpose.getX(), flag);
    return success();
  }
};

struct Simplify : tenon::impl::SimplifyBase<Simplify> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<ExpandBatchNormalization, FoldShiftIntoConv, FoldTransposeIntoMatMul>(context);
    for (RegisteredOperationName op : context->getRegisteredOperationsByDialect("graph"))
      op.getCanonicalizationPatterns(patterns, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
