//===- DataMovementOps.cpp - Types, rules and folds of data movement ------===//
#include "Graph/IR/OpSupport.h"
#include "Graph/IR/SpecialOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

void tenon::graph::GraphDialect::registerDataMovementOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/DataMovementOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/SpecialOps.cpp.inc"
      >();
}

namespace tenon::graph {

static LogicalResult verifyAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis < 0 || axis >= rank)
    return op->emitOpError() << "axis must be in [0, " << rank << "), got " << axis;
  return success();
}

//===----------------------------------------------------------------------===//
// constant, range, dims
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult RangeOp::verify() {
  // C1
  if (getResult().getType().getRank() != 1)
    return emitOpError() << "result must have rank 1";
  return success();
}

LogicalResult DimsOp::verify() {
  auto type = getResult().getType();
  // C1
  if (type.getRank() > 1 || !type.hasStaticShape() || type.getNumElements() != static_cast<int64_t>(getValues().size()))
    return emitOpError() << "result must be a scalar or vector of " << getValues().size() << " elements, got " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// reshape
//===----------------------------------------------------------------------===//

LogicalResult ReshapeOp::verify() {
  auto x = getX().getType(), y = getResult().getType();
  auto from = product(getContext(), getDims(x)).getConstant(), to = product(getContext(), getDims(y)).getConstant();
  // C1
  if (from && to && *from != *to)
    return emitOpError() << "must keep the number of elements, got " << *from << " and " << *to;
  if (x.getElementType() != y.getElementType())
    return emitOpError() << "must keep the element type";
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getResult().getType())
    return getX();
  auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getX());
  auto type = getResult().getType();
  if (dense && type.hasStaticShape() && dense.getNumElements() == type.getNumElements())
    return dense.reshape(type);
  return {};
}

namespace {
/// reshape (reshape x)  ->  reshape x
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<ReshapeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "operand is not a reshape");
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), inner.getX());
    return success();
  }
};

/// transpose (transpose x, p), q  ->  transpose x, p after q
struct MergeTransposes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "operand is not a transpose");
    SmallVector<int64_t> perm;
    for (int64_t axis : op.getPerm())
      perm.push_back(inner.getPerm()[axis]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getX(), rewriter.getDenseI64ArrayAttr(perm));
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeReshapes>(context);
}

//===----------------------------------------------------------------------===//
// transpose
//===----------------------------------------------------------------------===//

static bool isPermutation(ArrayRef<int64_t> perm, int64_t rank) {
  SmallVector<bool> seen(rank, false);
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= rank || seen[axis])
      return false;
    seen[axis] = true;
  }
  return static_cast<int64_t>(perm.size()) == rank;
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType());
  if (!isPermutation(adaptor.getPerm(), x.getRank()))
    return inferenceError(loc, "perm must be a permutation of the axes");
  auto from = getDims(x);
  SmallVector<DimAttr> dims;
  for (int64_t axis : adaptor.getPerm())
    dims.push_back(from[axis]);
  types.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

LogicalResult TransposeOp::verify() {
  // C1
  if (!isPermutation(getPerm(), getX().getType().getRank()))
    return emitOpError() << "perm must be a permutation of the axes";
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  return llvm::is_sorted(getPerm()) ? OpFoldResult(getX()) : OpFoldResult();
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeTransposes>(context);
}

IterationSpace TransposeOp::getIterationSpace() {
  IterationSpace space;
  space.extents = getDims(getResult().getType());
  unsigned rank = space.extents.size();
  space.iterators.assign(rank, utils::IteratorType::parallel);
  SmallVector<AffineExpr> x(rank);
  for (auto [i, axis] : llvm::enumerate(getPerm()))
    x[axis] = getAffineDimExpr(i, getContext());
  space.maps = {AffineMap::get(rank, 0, x, getContext()), AffineMap::getMultiDimIdentityMap(rank, getContext())};
  return space;
}

double TransposeOp::getFlopsPerPoint() { return 0; }

//===----------------------------------------------------------------------===//
// expand
//===----------------------------------------------------------------------===//

LogicalResult ExpandOp::verify() {
  auto x = getX().getType(), y = getResult().getType();
  bool fits = x.getRank() <= y.getRank() && x.getElementType() == y.getElementType();
  for (int64_t i = 0; fits && i < x.getRank(); ++i) {
    int64_t from = x.getDimSize(i), to = y.getDimSize(y.getRank() - x.getRank() + i);
    fits = from == 1 || from == to || ShapedType::isDynamic(from) || ShapedType::isDynamic(to);
  }
  // C1
  if (!fits)
    return emitOpError() << "cannot broadcast " << x << " to " << y;
  return success();
}

OpFoldResult ExpandOp::fold(FoldAdaptor) {
  return getX().getType() == getResult().getType() ? OpFoldResult(getX()) : OpFoldResult();
}

IterationSpace ExpandOp::getIterationSpace() { return getElementwiseSpace(*this); }
double ExpandOp::getFlopsPerPoint() { return 0; }

//===----------------------------------------------------------------------===//
// concat, slice, pad, gather
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty())
    return inferenceError(loc, "concat needs an input");
  auto first = tensorType(adaptor.getInputs().front().getType());
  int64_t axis = adaptor.getAxis();
  // C1
  if (axis < 0 || axis >= first.getRank())
    return inferenceError(loc, "axis must be in [0, " + Twine(first.getRank()) + "), got " + Twine(axis));
  auto dims = getDims(first);
  for (Value input : adaptor.getInputs().drop_front()) {
    auto type = tensorType(input.getType());
    // C2
    if (type.getRank() != first.getRank() || type.getElementType() != first.getElementType())
      return inferenceError(loc, "concat needs inputs of one rank and element type");
    for (auto [i, dim] : llvm::enumerate(getDims(type))) {
      if (static_cast<int64_t>(i) == axis)
        dims[i] = dims[i] + dim;
      else if (dims[i].getConstant() && dim.getConstant() && dims[i] != dim)
        return inferenceError(loc, "extents of dimension " + Twine(i) + " must agree, got " +
                                       Twine(*dims[i].getConstant()) + " and " + Twine(*dim.getConstant()));
      else if (dim.getConstant())
        dims[i] = dim;
    }
  }
  types.push_back(getTensorType(dims, first.getElementType()));
  return success();
}

LogicalResult ConcatOp::verify() { return verifyAxis(*this, getAxis(), getResult().getType().getRank()); }

LogicalResult SliceOp::verify() {
  int64_t rank = getX().getType().getRank();
  // C1
  if (getResult().getType().getRank() != rank || static_cast<int64_t>(getStarts().size()) != rank ||
      static_cast<int64_t>(getSteps().size()) != rank)
    return emitOpError() << "needs one start, step and result dimension for each of " << rank << " dimensions";
  if (llvm::is_contained(getSteps(), 0))
    return emitOpError() << "steps must not be 0";
  if (getX().getType().getElementType() != getResult().getType().getElementType())
    return emitOpError() << "must keep the element type";
  return success();
}

/// The starts, where symbolic, are not part of an affine map over the loops; the map then stands for the box at 0.
IterationSpace SliceOp::getIterationSpace() {
  IterationSpace space;
  space.extents = getDims(getResult().getType());
  unsigned rank = space.extents.size();
  space.iterators.assign(rank, utils::IteratorType::parallel);
  SmallVector<AffineExpr> x;
  for (unsigned i = 0; i < rank; ++i)
    x.push_back(getAffineDimExpr(i, getContext()) * getSteps()[i] + getStarts()[i].getConstant().value_or(0));
  space.maps = {AffineMap::get(rank, 0, x, getContext()), AffineMap::getMultiDimIdentityMap(rank, getContext())};
  return space;
}

double SliceOp::getFlopsPerPoint() { return 0; }

LogicalResult PadOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType());
  auto dims = getDims(x);
  // C1
  if (adaptor.getBegins().size() != dims.size() || adaptor.getEnds().size() != dims.size())
    return inferenceError(loc, "pad needs one begin and one end a dimension");
  for (auto [i, dim] : llvm::enumerate(dims))
    dim = dim + adaptor.getBegins()[i] + adaptor.getEnds()[i];
  types.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

LogicalResult PadOp::verify() {
  for (ArrayRef<int64_t> pads : {getBegins(), getEnds()})
    if (llvm::any_of(pads, [](int64_t p) { return p < 0 || p > INT32_MAX; }))
      return emitOpError() << "begins and ends must be between 0 and 2^31 - 1";
  if (!llvm::is_contained({"constant", "reflect", "edge"}, getMode()))
    return emitOpError() << "mode must be constant, reflect or edge, got " << getMode();
  return success();
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType()), indices = tensorType(adaptor.getIndices().getType());
  int64_t axis = adaptor.getAxis();
  // C1
  if (axis < 0 || axis >= x.getRank())
    return inferenceError(loc, "axis must be in [0, " + Twine(x.getRank()) + "), got " + Twine(axis));
  auto dims = getDims(x), picked = getDims(indices);
  dims.erase(dims.begin() + axis);
  dims.insert(dims.begin() + axis, picked.begin(), picked.end());
  types.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

LogicalResult GatherOp::verify() {
  Type element = getIndices().getType().getElementType();
  // C2
  if (!element.isSignlessInteger(32) && !element.isSignlessInteger(64))
    return emitOpError() << "indices must be i32 or i64, got " << element;
  return verifyAxis(*this, getAxis(), getX().getType().getRank());
}

} // namespace tenon::graph
