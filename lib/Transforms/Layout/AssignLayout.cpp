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
  return graph::TransposeOp::create(b, loc, x, b.getDenseI64ArrayAttr(perm));
}

namespace {
struct AssignLayout : tenon::impl::AssignLayoutBase<AssignLayout> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    populateChannelsLastPatterns(patterns);
    populateSinkTransposePatterns(patterns);
    graph::TransposeOp::getCanonicalizationPatterns(patterns, context);
    graph::ReshapeOp::getCanonicalizationPatterns(patterns, context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
