//===- DecomposeAttention.cpp - Attention as products and a softmax -------===//
//
// For targets without a kernel for it. Query heads that share keys are rows of one product, so that no key is repeated:
// q [B, Hk G, S, E] is read as [B, Hk, G S, E].
//
//===----------------------------------------------------------------------===//
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Transforms/Passes.h"

#include <limits>

namespace tenon {
#define GEN_PASS_DEF_DECOMPOSEATTENTION
#include "tenon/Transforms/Passes.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

struct Decomposer {
  AttentionOp op;
  OpBuilder b;
  Location loc;
  Type element;

  explicit Decomposer(AttentionOp op)
      : op(op), b(op), loc(op.getLoc()), element(op.getQ().getType().getElementType()) {}

  void run() {
    auto q = getDims(op.getQ().getType()), k = getDims(op.getK().getType());
    SmallVector<DimAttr> scoreDims = {q[0], q[1], q[2], k[2]}, folded = q;
    folded[1] = k[1];
    folded[2] = q[2] * (*q[1].getConstant() / *k[1].getConstant());
    Value scores = MatMulOp::create(b, loc, reshape(op.getQ(), folded), op.getK(), /*transpose_w=*/true);
    SmallVector<DimAttr> foldedScores = getDims(cast<RankedTensorType>(scores.getType()));
    scores = MulOp::create(b, loc, reshape(scores, scoreDims), number(op.getScale().convertToDouble()));
    if (double cap = op.getSoftcap().convertToDouble(); cap != 0) {
      Value bounded = TanhOp::create(b, loc, DivOp::create(b, loc, scores, number(cap)));
      scores = MulOp::create(b, loc, bounded, number(cap));
    }
    scores = applyMasks(scores);
    Value weights = SoftmaxOp::create(b, loc, scores, 3);
    if (!op.getNanRows() && (op.getMask() || op.getCausalOffset())) {
      // A row without a visible key gives 0.
      Value largest = ReduceMaxOp::create(b, loc, scores, ArrayRef<int64_t>{3}, true);
      weights = WhereOp::create(b, loc, EqualOp::create(b, loc, largest, masked()), number(0), weights);
    }
    Value y = MatMulOp::create(b, loc, reshape(weights, foldedScores), op.getV(), /*transpose_w=*/false);
    op.replaceAllUsesWith(reshape(y, getDims(op.getResult().getType())));
    op.erase();
  }

private:
  Value number(double value) {
    auto type = RankedTensorType::get({}, element);
    return ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getFloatAttr(element, value)));
  }
  Value masked() { return number(-std::numeric_limits<double>::infinity()); }
  Value reshape(Value x, ArrayRef<DimAttr> dims) {
    auto type = getTensorType(dims, cast<RankedTensorType>(x.getType()).getElementType());
    return type == x.getType() ? x : ReshapeOp::create(b, loc, type, x);
  }
  /// start, start + 1, .. as a tensor of extents [n, 1] or [n].
  Value range(DimAttr start, DimAttr extent, bool isColumn) {
    Value values = RangeOp::create(b, loc, getTensorType({extent}, b.getI64Type()), start, 1);
    return isColumn ? reshape(values, {extent, DimAttr::constant(b.getContext(), 1)}) : values;
  }

  Value applyMasks(Value scores) {
    if (Value mask = op.getMask()) {
      bool isBool = cast<RankedTensorType>(mask.getType()).getElementType().isInteger(1);
      scores = isBool ? Value(WhereOp::create(b, loc, mask, scores, masked())) : AddOp::create(b, loc, scores, mask);
    }
    if (std::optional<DimAttr> offset = op.getCausalOffset()) {
      auto dims = getDims(cast<RankedTensorType>(scores.getType()));
      Value last = range(*offset, dims[2], true), key = range(DimAttr::constant(b.getContext(), 0), dims[3], false);
      scores = WhereOp::create(b, loc, LessOrEqualOp::create(b, loc, key, last), scores, masked());
    }
    return scores;
  }
};

struct DecomposeAttention : tenon::impl::DecomposeAttentionBase<DecomposeAttention> {
  using DecomposeAttentionBase::DecomposeAttentionBase;
  void runOnOperation() override {
    for (AttentionOp op : llvm::make_early_inc_range(getOperation().getOps<AttentionOp>()))
      if (!(gpu && codegen::cuda::hasAttentionKernel(op)) && !(cpu && codegen::hasAttentionKernel(op)))
        Decomposer(op).run();
  }
};

} // namespace
