//===- WindowOps.cpp - Types, rules and spaces of windows -----------------===//
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/WindowOps.cpp.inc"

void tenon::graph::GraphDialect::registerWindowOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/WindowOps.cpp.inc"
      >();
}

namespace tenon::graph {

template <typename Adaptor>
static LogicalResult inferPool(std::optional<Location> loc, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType());
  int64_t rank = x.getRank() - 2;
  auto has = [](ArrayRef<int64_t> a, int64_t n) { return static_cast<int64_t>(a.size()) == n; };
  if (rank < 1 || !has(adaptor.getKernel(), rank) || !has(adaptor.getStrides(), rank) ||
      !has(adaptor.getPads(), 2 * rank) || !has(adaptor.getDilations(), rank))
    return inferenceError(loc, "pooling needs x of rank 3 or more, and attributes of matching length");
  if (llvm::any_of(adaptor.getStrides(), [](int64_t s) { return s < 1; }))
    return inferenceError(loc, "pooling needs positive strides");
  auto dims = getDims(x);
  for (int64_t i = 0; i < rank; ++i) {
    DimAttr &d = dims[adaptor.getChannelsLast() ? 1 + i : 2 + i];
    d = windowExtent(d, DimAttr::constant(x.getContext(), adaptor.getKernel()[i]), adaptor.getStrides()[i],
                     adaptor.getPads()[i], adaptor.getPads()[rank + i], adaptor.getDilations()[i],
                     adaptor.getCeilMode());
  }
  types.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

/// Loops: the result's dimensions, then the window.
template <typename Op>
static IterationSpace getPoolSpace(Op op) {
  MLIRContext *context = op.getContext();
  IterationSpace space;
  space.extents = getDims(op.getResult().getType());
  unsigned resultRank = space.extents.size(), rank = resultRank - 2, total = resultRank + rank;
  space.iterators.assign(resultRank, utils::IteratorType::parallel);
  SmallVector<AffineExpr> x;
  for (unsigned i = 0; i < resultRank; ++i)
    x.push_back(getAffineDimExpr(i, context));
  for (unsigned i = 0; i < rank; ++i) {
    space.extents.push_back(DimAttr::constant(context, op.getKernel()[i]));
    space.iterators.push_back(utils::IteratorType::reduction);
    AffineExpr &e = x[op.getChannelsLast() ? 1 + i : 2 + i];
    e = e * op.getStrides()[i] + getAffineDimExpr(resultRank + i, context) * op.getDilations()[i] - op.getPads()[i];
  }
  space.maps = {AffineMap::get(total, 0, x, context),
                AffineMap::getMultiDimIdentityMap(total, context).getMajorSubMap(resultRank)};
  return space;
}

LogicalResult MaxPoolOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferPool(loc, adaptor, types);
}

LogicalResult MaxPoolOp::verify() {
  return verifyWindow(*this, getX().getType().getRank() - 2, getKernel(), getStrides(), getPads(), getDilations());
}

IterationSpace MaxPoolOp::getIterationSpace() { return getPoolSpace(*this); }

LogicalResult AveragePoolOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  return inferPool(loc, adaptor, types);
}

LogicalResult AveragePoolOp::verify() {
  return verifyWindow(*this, getX().getType().getRank() - 2, getKernel(), getStrides(), getPads(), getDilations());
}

IterationSpace AveragePoolOp::getIterationSpace() { return getPoolSpace(*this); }

LogicalResult ResizeOp::verify() {
  int64_t rank = getX().getType().getRank();
  // C1
  if (getResult().getType().getRank() != rank)
    return emitOpError() << "must keep the rank " << rank;
  if (getX().getType().getElementType() != getResult().getType().getElementType())
    return emitOpError() << "must keep the element type";
  if (getScales() && static_cast<int64_t>(getScales()->size()) != rank)
    return emitOpError() << "scales must have " << rank << " entries, got " << getScales()->size();
  if (!llvm::is_contained({"nearest", "linear"}, getMode()))
    return emitOpError() << "mode must be nearest or linear, got " << getMode();
  if (!llvm::is_contained({"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"}, getCoordinates()))
    return emitOpError() << "unknown coordinates " << getCoordinates();
  if (!llvm::is_contained({"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"}, getRounding()))
    return emitOpError() << "unknown rounding " << getRounding();
  return success();
}

} // namespace tenon::graph
