//===- AssignLayout.cpp - Put channels last around convolutions and pools -===//
#include "Layout.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Transforms/Passes.h"

namespace tenon {
#define GEN_PASS_DEF_ASSIGNLAYOUT
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

SmallVector<int64_t> tenon::toChannelsLast(int64_t rank) {
  SmallVector<int64_t> perm = {0};
  for (int64_t i = 2; i < rank; ++i)
    perm.push_back(i);
  perm.push_back(1);
  return perm;
}

SmallVector<int64_t> tenon::fromChannelsLast(int64_t rank) {
  SmallVector<int64_t> perm = {0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i)
    perm.push_back(i);
  return perm;
}

Value tenon::transpose(OpBuilder &b, Location loc, Value x, ArrayRef<int64_t> perm) {
  return TransposeOp::create(b, loc, x, b.getDenseI64ArrayAttr(perm));
}

namespace {

/// transpose that moves only dimensions of extent 1  ->  reshape
struct TransposeToReshape : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    int64_t previous = -1;
    for (int64_t axis : op.getPerm()) {
      if (op.getX().getType().getDimSize(axis) == 1)
        continue;
      if (axis < previous)
        return rewriter.notifyMatchFailure(op, "dimensions change their order");
      previous = axis;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getX());
    return success();
  }
};
struct AssignLayout : tenon::impl::AssignLayoutBase<AssignLayout> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    populateChannelsLastPatterns(patterns);
    populateSinkTransposePatterns(patterns);
    TransposeOp::getCanonicalizationPatterns(patterns, context);
    ReshapeOp::getCanonicalizationPatterns(patterns, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    // Not before: a reshape does not cancel with the transposes that the first patterns make.
    RewritePatternSet views(context);
    views.add<TransposeToReshape>(context);
    ReshapeOp::getCanonicalizationPatterns(views, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(views))))
      signalPassFailure();
  }
};

} // namespace
