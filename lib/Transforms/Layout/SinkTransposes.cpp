//===- SinkTransposes.cpp - Move transposes towards the results -----------===//
//
// One rewrite for all ops: op(transpose(x, p), ..) -> transpose(op'(x, ..), p), where op' is op with its axes renamed:
// axis a of the transposed tensor is axis p[a] of x.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Layout.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

using Permutation = SmallVector<int64_t>;

Permutation invert(ArrayRef<int64_t> perm) {
  Permutation inverse(perm.size());
  for (auto [i, axis] : llvm::enumerate(perm))
    inverse[axis] = i;
  return inverse;
}

RankedTensorType untransposed(Type type, ArrayRef<int64_t> perm) {
  auto tensor = cast<RankedTensorType>(type);
  auto dims = getDims(tensor);
  SmallVector<DimAttr> source(dims.size());
  for (auto [i, axis] : llvm::enumerate(perm))
    source[axis] = dims[i];
  return getTensorType(source, tensor.getElementType());
}

template <typename T>
SmallVector<T> untranspose(ArrayRef<T> values, ArrayRef<int64_t> perm) {
  SmallVector<T> source(values.size());
  for (auto [i, axis] : llvm::enumerate(perm))
    source[axis] = values[i];
  return source;
}

/// True if untransposing `v`, aligned to the right, costs nothing: it is a constant, or its extents other than 1 keep
/// their order.
bool isCheapToTranspose(Value v, ArrayRef<int64_t> perm) {
  if (matchPattern(v, m_Constant()))
    return true;
  auto type = cast<RankedTensorType>(v.getType());
  int64_t previous = -1;
  for (auto [extent, target] : llvm::zip(type.getShape(), perm.take_back(type.getRank()))) {
    if (extent == 1)
      continue;
    if (target < previous)
      return false;
    previous = target;
  }
  return true;
}

/// `v`, which broadcasts to rank perm.size(), in the order before the transpose.
Value untransposeOperand(OpBuilder &b, Location loc, Value v, ArrayRef<int64_t> perm) {
  if (auto t = v.getDefiningOp<TransposeOp>(); t && t.getPerm() == perm)
    return t.getX();
  auto type = cast<RankedTensorType>(v.getType());
  if (type.getRank() == 0)
    return v;
  auto dims = getDims(type);
  if (dims.size() < perm.size()) {
    dims.insert(dims.begin(), perm.size() - dims.size(), DimAttr::constant(b.getContext(), 1));
    v = ReshapeOp::create(b, loc, getTensorType(dims, type.getElementType()), v);
  }
  return transpose(b, loc, v, invert(perm));
}

/// The permutation that the operands share: each is transposed by it or cheap to transpose. Where an operand has to be
/// transposed for it, the permutation must come from one that is not cheap, or transposes would move from one operand
/// to the other for ever.
std::optional<Permutation> commonPermutation(OperandRange operands, int64_t rank) {
  std::optional<Permutation> perm;
  bool isShared = true;
  for (Value v : operands) {
    auto t = v.getDefiningOp<TransposeOp>();
    bool counts = t && static_cast<int64_t>(t.getPerm().size()) == rank;
    isShared &= counts && (!perm || t.getPerm() == ArrayRef<int64_t>(*perm));
    if (counts && (!perm || !isCheapToTranspose(t.getX(), invert(t.getPerm()))))
      perm = Permutation(t.getPerm());
  }
  if (isShared)
    return perm;
  bool isWorth = llvm::any_of(operands, [&](Value v) {
    auto t = v.getDefiningOp<TransposeOp>();
    return perm && t && t.getPerm() == ArrayRef<int64_t>(*perm) && !isCheapToTranspose(t.getX(), invert(*perm));
  });
  if (!isWorth)
    return std::nullopt;
  for (Value v : operands) {
    auto t = v.getDefiningOp<TransposeOp>();
    if (!(t && t.getPerm() == ArrayRef<int64_t>(*perm)) && !isCheapToTranspose(v, *perm))
      return std::nullopt;
  }
  return perm;
}

/// Replaces `op`, all of whose operands are untransposed, by a clone with attributes `renamed` and a transpose.
void replaceSunk(PatternRewriter &rewriter, Operation *op, ArrayRef<Value> operands, ArrayRef<int64_t> perm,
                 ArrayRef<NamedAttribute> renamed) {
  OperationState state(op->getLoc(), op->getName(), operands, {untransposed(op->getResult(0).getType(), perm)},
                       op->getAttrs());
  for (NamedAttribute attribute : renamed)
    state.attributes.set(attribute.getName(), attribute.getValue());
  Value result = rewriter.create(state)->getResult(0);
  rewriter.replaceOp(op, transpose(rewriter, op->getLoc(), result, perm));
}

/// elementwise (transpose x, p), ..  ->  transpose (elementwise x, ..), p
struct SinkThroughElementwise : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ElementwiseOpInterface op, PatternRewriter &rewriter) const override {
    int64_t rank = cast<RankedTensorType>(op->getResult(0).getType()).getRank();
    auto perm = commonPermutation(op->getOperands(), rank);
    if (!perm)
      return rewriter.notifyMatchFailure(op, "operands have no common transpose");
    SmallVector<Value> operands;
    for (Value v : op->getOperands())
      operands.push_back(untransposeOperand(rewriter, op.getLoc(), v, *perm));
    replaceSunk(rewriter, op, operands, *perm, {});
    return success();
  }
};

/// concat (transpose x, p), ..  ->  transpose (concat x, ..), p
struct SinkThroughConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    auto perm = commonPermutation(op->getOperands(), op.getResult().getType().getRank());
    if (!perm)
      return rewriter.notifyMatchFailure(op, "operands have no common transpose");
    SmallVector<Value> operands;
    for (Value v : op->getOperands())
      operands.push_back(untransposeOperand(rewriter, op.getLoc(), v, *perm));
    auto axis = rewriter.getNamedAttr("axis", rewriter.getI64IntegerAttr((*perm)[op.getAxis()]));
    replaceSunk(rewriter, op, operands, *perm, axis);
    return success();
  }
};

/// The attributes of a one-operand op after its axes are renamed by `perm`; nothing if the op cannot be renamed.
std::optional<SmallVector<NamedAttribute>> renameAxes(Operation *op, ArrayRef<int64_t> perm, Builder &b) {
  using Attributes = SmallVector<NamedAttribute>;
  return TypeSwitch<Operation *, std::optional<Attributes>>(op)
      .Case<SoftmaxOp, LogSoftmaxOp>([&](auto softmax) {
        return Attributes{b.getNamedAttr("axis", b.getI64IntegerAttr(perm[softmax.getAxis()]))};
      })
      .Case([&](PadOp pad) {
        return Attributes{b.getNamedAttr("begins", b.getDenseI64ArrayAttr(untranspose(pad.getBegins(), perm))),
                          b.getNamedAttr("ends", b.getDenseI64ArrayAttr(untranspose(pad.getEnds(), perm)))};
      })
      .Case([&](SliceOp slice) {
        auto starts = ShapeAttr::get(b.getContext(), untranspose(slice.getStarts().getDims(), perm));
        return Attributes{b.getNamedAttr("starts", starts),
                          b.getNamedAttr("steps", b.getDenseI64ArrayAttr(untranspose(slice.getSteps(), perm)))};
      })
      .Default([](Operation *) { return std::nullopt; });
}

/// softmax, pad, slice (transpose x, p)  ->  transpose (the op on renamed axes x), p
template <typename Op>
struct SinkThroughRenamed : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto t = op.getX().template getDefiningOp<TransposeOp>();
    if (!t)
      return rewriter.notifyMatchFailure(op, "operand is not a transpose");
    auto renamed = renameAxes(op, t.getPerm(), rewriter);
    if (!renamed)
      return rewriter.notifyMatchFailure(op, "axes cannot be renamed");
    replaceSunk(rewriter, op, {t.getX()}, t.getPerm(), *renamed);
    return success();
  }
};

/// quantize, dequantize (transpose x, p)  ->  transpose (the same along the renamed axis), p
template <typename Op>
struct SinkThroughScaled : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto t = op->getOperand(0).template getDefiningOp<TransposeOp>();
    const int64_t scaleRank = op.getScale().getType().getRank();
    if (!t || (scaleRank != 0 && op.getBlockSize() != 0))
      return rewriter.notifyMatchFailure(op, "operand is not a transpose, or scaled by blocks");
    SmallVector<Value> operands(op->getOperands());
    operands[0] = t.getX();
    const int64_t axis = scaleRank == 0 ? int64_t(op.getAxis()) : t.getPerm()[op.getAxis()];
    replaceSunk(rewriter, op, operands, t.getPerm(), rewriter.getNamedAttr("axis", rewriter.getI64IntegerAttr(axis)));
    return success();
  }
};

/// reduce (transpose x, p) over axes  ->  transpose (reduce x over the renamed axes), what is left of p
struct SinkThroughReduction : OpInterfaceRewritePattern<ReductionOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ReductionOpInterface op, PatternRewriter &rewriter) const override {
    auto t = op->getOperand(0).getDefiningOp<TransposeOp>();
    if (!t)
      return rewriter.notifyMatchFailure(op, "operand is not a transpose");
    ArrayRef<int64_t> perm = t.getPerm(), axes = op.getReducedAxes();
    SmallVector<int64_t> renamed;
    for (int64_t axis : axes)
      renamed.push_back(perm[axis]);
    llvm::sort(renamed);
    // The permutation of the result: of what is kept, in terms of the kept axes of x.
    SmallVector<int64_t> kept, resultPerm;
    for (int64_t axis : perm)
      if (op.keepsDims() || !llvm::is_contained(renamed, axis))
        kept.push_back(axis);
    for (int64_t axis : kept)
      resultPerm.push_back(llvm::count_if(kept, [&](int64_t other) { return other < axis; }));
    OperationState state(op.getLoc(), op->getName(), {t.getX()}, {untransposed(op->getResult(0).getType(), resultPerm)},
                         op->getAttrs());
    state.attributes.set("axes", rewriter.getDenseI64ArrayAttr(renamed));
    Value result = rewriter.create(state)->getResult(0);
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), result, resultPerm));
    return success();
  }
};

} // namespace

void tenon::populateSinkTransposePatterns(RewritePatternSet &patterns) {
  patterns.add<SinkThroughElementwise, SinkThroughConcat, SinkThroughScaled<QuantizeOp>,
               SinkThroughScaled<DequantizeOp>, SinkThroughReduction, SinkThroughRenamed<SoftmaxOp>,
               SinkThroughRenamed<LogSoftmaxOp>, SinkThroughRenamed<PadOp>, SinkThroughRenamed<SliceOp>>(
      patterns.getContext());
}
