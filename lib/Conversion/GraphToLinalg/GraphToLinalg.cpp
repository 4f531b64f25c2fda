//===- GraphToLinalg.cpp - From graph operations to linalg ----------------===//
//
// An op states its loops and maps once (IterationSpaceOpInterface) and its scalar code once (ElementwiseOpInterface,
// ReductionOpInterface): the patterns here put the two together and know no op by name.
//
//===----------------------------------------------------------------------===//
#include "tenon/Conversion/GraphToLinalg.h"

#include "Extents.h"
#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Codegen/Common/Decompose.h"

namespace tenon {
#define GEN_PASS_DEF_CONVERTGRAPHTOLINALG
#include "tenon/Conversion/GraphToLinalg.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

RankedTensorType tensorOf(Value v) { return cast<RankedTensorType>(v.getType()); }

/// True if every operand has, in each dimension its map reads, the extent of the loop: linalg has no run-time
/// broadcast.
bool fitsMaps(Operation *op, const IterationSpace &space) {
  for (auto [operand, map] : llvm::zip(op->getOperands(), space.maps))
    for (auto [expr, dim] : llvm::zip_equal(map.getResults(), getDims(tensorOf(operand)))) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (loop && space.extents[loop.getPosition()] != dim)
        return false;
    }
  return true;
}

bool isParallel(const IterationSpace &space) {
  return llvm::all_of(space.iterators, [](utils::IteratorType t) { return t == utils::IteratorType::parallel; });
}

/// x op y, ..  ->  linalg.generic with the scalar code of the op
struct ConvertElementwise : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ElementwiseOpInterface op, PatternRewriter &rewriter) const override {
    IterationSpace space = cast<IterationSpaceOpInterface>(op.getOperation()).getIterationSpace();
    if (!fitsMaps(op, space))
      return rewriter.notifyMatchFailure(op, "an operand broadcasts at run time");
    if (llvm::any_of(op->getOperandTypes(), [](Type t) { return getElementTypeOrSelf(t).isUnsignedInteger(); }))
      return rewriter.notifyMatchFailure(op, "arith has no unsigned types");
    auto type = tensorOf(op->getResult(0));
    Value empty = createEmpty(rewriter, op, type);
    if (!empty)
      return rewriter.notifyMatchFailure(op, "an extent is not the dimension of an argument");
    Value body;
    auto generic =
        linalg::GenericOp::create(rewriter, op.getLoc(), TypeRange{type}, op->getOperands(), empty, space.maps,
                                  space.iterators, [&](OpBuilder &b, Location loc, ValueRange in) {
                                    body = op.buildScalar(b, loc, in.take_front(op->getNumOperands()));
                                    if (body)
                                      linalg::YieldOp::create(b, loc, body);
                                  });
    if (!body) {
      rewriter.eraseOp(generic);
      return rewriter.notifyMatchFailure(op, "no scalar code for the element type");
    }
    rewriter.replaceOp(op, generic);
    return success();
  }
};

/// Data movement with one operand and loops without arithmetic  ->  linalg.generic that yields the element
struct ConvertCopy : OpInterfaceRewritePattern<IterationSpaceOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(IterationSpaceOpInterface op, PatternRewriter &rewriter) const override {
    if (!isa<TransposeOp, ExpandOp>(op))
      return rewriter.notifyMatchFailure(op, "not a copy");
    IterationSpace space = op.getIterationSpace();
    if (!isParallel(space) || !fitsMaps(op, space))
      return rewriter.notifyMatchFailure(op, "the operand broadcasts at run time");
    auto type = tensorOf(op->getResult(0));
    Value empty = createEmpty(rewriter, op, type);
    if (!empty)
      return rewriter.notifyMatchFailure(op, "an extent is not the dimension of an argument");
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, TypeRange{type}, op->getOperands(), empty, space.maps, space.iterators,
        [](OpBuilder &b, Location loc, ValueRange in) { linalg::YieldOp::create(b, loc, in[0]); });
    return success();
  }
};

/// total / number of reduced elements
Value divideByCount(PatternRewriter &rewriter, Operation *op, const IterationSpace &space, Value total) {
  Location loc = op->getLoc();
  Value count = arith::ConstantIndexOp::create(rewriter, loc, 1);
  for (auto [kind, extent] : llvm::zip_equal(space.iterators, space.extents)) {
    if (kind != utils::IteratorType::reduction)
      continue;
    Value size = materializeExtent(rewriter, op, extent);
    count = rewriter.createOrFold<arith::MulIOp>(loc, count, size);
  }
  auto type = tensorOf(total);
  Type element = type.getElementType();
  bool isFloat = isa<FloatType>(element);
  Type wide = isFloat ? Type(rewriter.getI64Type()) : element;
  count = arith::IndexCastOp::create(rewriter, loc, wide, count);
  if (isFloat)
    count = arith::SIToFPOp::create(rewriter, loc, element, count);
  auto identity = rewriter.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  Value empty = createEmpty(rewriter, op, type);
  auto divided =
      linalg::GenericOp::create(rewriter, loc, TypeRange{type}, total, empty, ArrayRef<AffineMap>{identity, identity},
                                loops, [&](OpBuilder &b, Location at, ValueRange in) {
                                  Value result = isFloat ? Value(arith::DivFOp::create(b, at, in[0], count))
                                                         : Value(arith::DivSIOp::create(b, at, in[0], count));
                                  linalg::YieldOp::create(b, at, result);
                                });
  return divided.getResult(0);
}

/// reduce(x)  ->  fill with the neutral element, combine, for a mean divide
struct ConvertReduction : OpInterfaceRewritePattern<ReductionOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ReductionOpInterface op, PatternRewriter &rewriter) const override {
    IterationSpace space = cast<IterationSpaceOpInterface>(op.getOperation()).getIterationSpace();
    auto type = tensorOf(op->getResult(0));
    if (!type.getElementType().isSignlessIntOrFloat())
      return rewriter.notifyMatchFailure(op, "arith has no unsigned types");
    Value empty = createEmpty(rewriter, op, type);
    if (!empty)
      return rewriter.notifyMatchFailure(op, "an extent is not the dimension of an argument");
    Location loc = op.getLoc();
    Value neutral = arith::ConstantOp::create(rewriter, loc, op.getNeutral(type.getElementType()));
    Value filled = linalg::FillOp::create(rewriter, loc, neutral, empty).getResult(0);
    Value total = linalg::GenericOp::create(rewriter, loc, TypeRange{type}, op->getOperands(), filled, space.maps,
                                            space.iterators,
                                            [&](OpBuilder &b, Location at, ValueRange in) {
                                              linalg::YieldOp::create(b, at, op.buildCombine(b, at, in[0], in[1]));
                                            })
                      .getResult(0);
    rewriter.replaceOp(op, op.isMean() ? divideByCount(rewriter, op, space, total) : total);
    return success();
  }
};

struct ConvertGraphToLinalg : tenon::impl::ConvertGraphToLinalgBase<ConvertGraphToLinalg> {
  void runOnOperation() override {
    getOperation().walk([](Block *block) {
      if (block->mightHaveTerminator())
        codegen::decomposeNormalizations(*block);
    });
    RewritePatternSet patterns(&getContext());
    populateGraphToLinalgPatterns(patterns);
    GreedyRewriteConfig config;
    config.enableFolding(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace

void tenon::populateGraphToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvertCopy, ConvertElementwise, ConvertReduction>(patterns.getContext());
}
