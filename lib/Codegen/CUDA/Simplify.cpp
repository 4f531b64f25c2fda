//===- Simplify.cpp - Kernel IR before it is printed ----------------------===//
#include "Simplify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tenon::codegen::cuda {
namespace {

/// x / n * n + x % n  ->  x, for what is not negative: coordinates of an element that lead back to its offset.
struct RejoinIndex : OpRewritePattern<arith::AddIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::AddIOp op, PatternRewriter &rewriter) const override {
    auto product = op.getLhs().getDefiningOp<arith::MulIOp>();
    auto rest = op.getRhs().getDefiningOp<arith::RemUIOp>();
    if (!product || !rest)
      return rewriter.notifyMatchFailure(op, "not a product and a remainder");
    auto quotient = product.getLhs().getDefiningOp<arith::DivUIOp>();
    if (!quotient || quotient.getLhs() != rest.getLhs() || quotient.getRhs() != rest.getRhs() ||
        product.getRhs() != rest.getRhs())
      return rewriter.notifyMatchFailure(op, "not of the same division");
    rewriter.replaceOp(op, rest.getLhs());
    return success();
  }
};

struct RejoinIndexPass : PassWrapper<RejoinIndexPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RejoinIndexPass)
  StringRef getArgument() const override { return "tenon-rejoin-index"; }
  StringRef getDescription() const override { return "Fold coordinates that lead back to an offset"; }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RejoinIndex>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

LogicalResult simplifyKernels(ModuleOp module) {
  module.walk(scalarizeKernel);
  PassManager manager(module.getContext());
  auto &function = manager.nest<func::FuncOp>();
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  function.addPass(std::make_unique<RejoinIndexPass>());
  function.addPass(createCanonicalizerPass());
  return manager.run(module);
}

void dropUnusedParams(func::FuncOp kernel, unsigned buffers, SmallVectorImpl<graph::DimAttr> &params) {
  for (unsigned i = params.size(); i-- > 0;)
    if (kernel.getArgument(buffers + i).use_empty()) {
      (void)kernel.eraseArgument(buffers + i);
      params.erase(params.begin() + i);
    }
}

} // namespace tenon::codegen::cuda
