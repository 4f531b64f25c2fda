//===- ChannelsLast.cpp - Channels-last forms of windowed ops -------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Layout.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

/// Replaces `op` by a channels-last clone between two transposes; `op` has a `channels_last` attribute.
void replaceChannelsLast(PatternRewriter &rewriter, Operation *op) {
  int64_t rank = cast<RankedTensorType>(op->getResult(0).getType()).getRank();
  SmallVector<Value> operands(op->getOperands());
  operands[0] = transpose(rewriter, op->getLoc(), operands[0], toChannelsLast(rank));
  auto dims = getDims(cast<RankedTensorType>(op->getResult(0).getType()));
  SmallVector<DimAttr> lastDims;
  for (int64_t axis : toChannelsLast(rank))
    lastDims.push_back(dims[axis]);
  auto element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  OperationState state(op->getLoc(), op->getName(), operands, {getTensorType(lastDims, element)}, op->getAttrs());
  state.attributes.set("channels_last", rewriter.getUnitAttr());
  Value result = rewriter.create(state)->getResult(0);
  rewriter.replaceOp(op, transpose(rewriter, op->getLoc(), result, fromChannelsLast(rank)));
}

/// conv, pool on [N, C, H, W]  ->  transpose (the op {channels_last} (transpose x))
template <typename Op>
struct PutChannelsLast : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op.getChannelsLast() || op.getX().getType().getRank() != 4)
      return rewriter.notifyMatchFailure(op, "has channels last, or is not two-dimensional");
    replaceChannelsLast(rewriter, op);
    return success();
  }
};

SmallVector<int64_t> widen(ArrayRef<int64_t> values, int64_t unit, bool isPads = false) {
  if (isPads)
    return {unit, values[0], unit, values[1]};
  return {unit, values[0]};
}

/// conv on [N, C, L]  ->  reshape (conv on [N, C, 1, L])
template <typename Op>
struct WidenConv : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (op.getX().getType().getRank() != 3 || op.getChannelsLast())
      return rewriter.notifyMatchFailure(op, "is not one-dimensional");
    auto widened = [&](Value v) {
      auto type = cast<RankedTensorType>(v.getType());
      auto dims = getDims(type);
      dims.insert(dims.begin() + 2, DimAttr::constant(op.getContext(), 1));
      return getTensorType(dims, type.getElementType());
    };
    SmallVector<Value> operands(op->getOperands());
    for (Value &v : llvm::MutableArrayRef(operands).take_front(2))
      v = ReshapeOp::create(rewriter, op.getLoc(), widened(v), v);
    auto attr = [&](ArrayRef<int64_t> values) { return rewriter.getDenseI64ArrayAttr(values); };
    OperationState state(op.getLoc(), op->getName(), operands, {widened(op.getResult())}, op->getAttrs());
    state.attributes.set("strides", attr(widen(op.getStrides(), 1)));
    state.attributes.set("pads", attr(widen(op.getPads(), 0, true)));
    state.attributes.set("dilations", attr(widen(op.getDilations(), 1)));
    Value wide = rewriter.create(state)->getResult(0);
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), wide);
    return success();
  }
};

/// resize on [N, C, H, W] that keeps N and C  ->  transpose (resize (transpose x))
struct ResizeChannelsLast : OpRewritePattern<ResizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ResizeOp op, PatternRewriter &rewriter) const override {
    auto x = op.getX().getType();
    auto from = getDims(x), to = getDims(op.getResult().getType());
    // Channels last already where the last dimension stays and the second does not; ambiguous ones stay as they are.
    if (x.getRank() != 4 || from[1] != to[1] || from[3] == to[3])
      return rewriter.notifyMatchFailure(op, "does not resize the last dimension alone with channels first");
    SmallVector<DimAttr> dims;
    SmallVector<double> scales;
    for (int64_t axis : toChannelsLast(4)) {
      dims.push_back(to[axis]);
      if (op.getScales())
        scales.push_back((*op.getScales())[axis]);
    }
    Value moved = transpose(rewriter, op.getLoc(), op.getX(), toChannelsLast(4));
    auto scalesAttr = op.getScales() ? rewriter.getDenseF64ArrayAttr(scales) : DenseF64ArrayAttr();
    Value resized = ResizeOp::create(rewriter, op.getLoc(), getTensorType(dims, x.getElementType()), moved, scalesAttr,
                                     op.getModeAttr(), op.getCoordinatesAttr(), op.getRoundingAttr());
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), resized, fromChannelsLast(4)));
    return success();
  }
};

/// conv_transpose whose windows tile the result (kernel = stride, no padding, one group): each input pixel makes its
/// own kH x kW block  ->  a 1x1 conv to [kH, kW, M] channels, whose blocks are then put side by side
struct TileConvTranspose : OpRewritePattern<ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvTransposeOp op, PatternRewriter &rewriter) const override {
    auto x = op.getX().getType(), w = op.getW().getType();
    auto isZero = [](int64_t v) { return v == 0; };
    if (x.getRank() != 4 || !w.hasStaticShape() || op.getGroup() != 1 || !llvm::all_of(op.getPads(), isZero) ||
        !llvm::all_of(op.getOutputPadding(), isZero) || op.getStrides() != w.getShape().drop_front(2))
      return rewriter.notifyMatchFailure(op, "windows overlap, or are padded or grouped");
    Location loc = op.getLoc();
    int64_t c = w.getDimSize(0), m = w.getDimSize(1), kh = w.getDimSize(2), kw = w.getDimSize(3), all = kh * kw * m;
    Type element = x.getElementType();
    auto reshape = [&](Value v, ArrayRef<DimAttr> dims) -> Value {
      return ReshapeOp::create(rewriter, loc, getTensorType(dims, element), v);
    };
    auto dim = [&](int64_t value) { return DimAttr::constant(getContext(), value); };
    // [C, M, kH, kW] -> [kH, kW, M, C]
    Value weights = reshape(transpose(rewriter, loc, op.getW(), {2, 3, 1, 0}), {dim(all), dim(c), dim(1), dim(1)});
    Value bias = op.getBias();
    if (bias)
      bias = reshape(ExpandOp::create(rewriter, loc, RankedTensorType::get({kh * kw, m}, element), bias), {dim(all)});
    auto attr = [&](ArrayRef<int64_t> values) { return rewriter.getDenseI64ArrayAttr(values); };
    Value blocks =
        ConvOp::create(rewriter, loc, transpose(rewriter, loc, op.getX(), {0, 2, 3, 1}), weights, bias, attr({1, 1}),
                       attr({0, 0, 0, 0}), attr({1, 1}), rewriter.getI64IntegerAttr(1), rewriter.getUnitAttr());
    auto dims = getDims(x);
    Value apart = reshape(blocks, {dims[0], dims[2], dims[3], dim(kh), dim(kw), dim(m)});
    Value together = transpose(rewriter, loc, apart, {0, 1, 3, 2, 4, 5});
    Value result = reshape(together, {dims[0], dims[2] * kh, dims[3] * kw, dim(m)});
    rewriter.replaceOp(op, transpose(rewriter, loc, result, {0, 3, 1, 2}));
    return success();
  }
};

} // namespace

void tenon::populateChannelsLastPatterns(RewritePatternSet &patterns) {
  patterns.add<PutChannelsLast<ConvOp>, PutChannelsLast<IntegerConvOp>, PutChannelsLast<MaxPoolOp>,
               PutChannelsLast<AveragePoolOp>, WidenConv<ConvOp>, WidenConv<IntegerConvOp>, ResizeChannelsLast,
               TileConvTranspose>(patterns.getContext());
}
