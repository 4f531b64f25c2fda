//===- ReductionOps.cpp - Types and spaces of reductions ------------------===//
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/ReductionOps.cpp.inc"

void tenon::graph::GraphDialect::registerReductionOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/ReductionOps.cpp.inc"
      >();
}

namespace tenon::graph {

TypedAttr makeNeutral(Type type, Neutral neutral) {
  Builder b(type.getContext());
  if (auto floating = dyn_cast<FloatType>(type)) {
    const auto &semantics = floating.getFloatSemantics();
    switch (neutral) {
    case Neutral::Zero:
      return b.getFloatAttr(type, 0.0);
    case Neutral::One:
      return b.getFloatAttr(type, 1.0);
    case Neutral::Lowest:
      return b.getFloatAttr(type, APFloat::getInf(semantics, /*Negative=*/true));
    case Neutral::Highest:
      return b.getFloatAttr(type, APFloat::getInf(semantics));
    }
  }
  unsigned width = type.getIntOrFloatBitWidth();
  switch (neutral) {
  case Neutral::Zero:
    return b.getIntegerAttr(type, 0);
  case Neutral::One:
    return b.getIntegerAttr(type, 1);
  case Neutral::Lowest:
    return b.getIntegerAttr(type, APInt::getSignedMinValue(width));
  case Neutral::Highest:
    return b.getIntegerAttr(type, APInt::getSignedMaxValue(width));
  }
  llvm_unreachable("every neutral element is handled");
}

static bool areSortedAxes(ArrayRef<int64_t> axes, int64_t rank) {
  int64_t previous = -1;
  for (int64_t axis : axes) {
    if (axis <= previous || axis >= rank)
      return false;
    previous = axis;
  }
  return true;
}

LogicalResult verifyReduction(Operation *op) {
  auto reduction = cast<ReductionOpInterface>(op);
  int64_t rank = tensorType(op->getOperand(0).getType()).getRank();
  // C1
  if (!areSortedAxes(reduction.getReducedAxes(), rank))
    return op->emitOpError() << "axes must be sorted, unique and in [0, " << rank << ")";
  return success();
}

LogicalResult inferReduction(std::optional<Location> loc, Type x, ArrayRef<int64_t> axes, bool keepdims,
                             SmallVectorImpl<Type> &types) {
  auto type = tensorType(x);
  if (!areSortedAxes(axes, type.getRank()))
    return inferenceError(loc, "axes must be sorted, unique and below the rank " + Twine(type.getRank()));
  SmallVector<DimAttr> dims;
  for (auto [i, dim] : llvm::enumerate(getDims(type))) {
    bool reduced = llvm::is_contained(axes, static_cast<int64_t>(i));
    if (!reduced)
      dims.push_back(dim);
    else if (keepdims)
      dims.push_back(DimAttr::constant(x.getContext(), 1));
  }
  types.push_back(getTensorType(dims, type.getElementType()));
  return success();
}

IterationSpace getReductionSpace(Operation *op) {
  auto reduction = cast<ReductionOpInterface>(op);
  MLIRContext *context = op->getContext();
  IterationSpace space;
  space.extents = getDims(tensorType(op->getOperand(0).getType()));
  unsigned rank = space.extents.size();
  SmallVector<AffineExpr> result;
  for (unsigned i = 0; i < rank; ++i) {
    bool reduced = llvm::is_contained(reduction.getReducedAxes(), static_cast<int64_t>(i));
    space.iterators.push_back(reduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    if (!reduced)
      result.push_back(getAffineDimExpr(i, context));
    else if (reduction.keepsDims())
      result.push_back(getAffineConstantExpr(0, context));
  }
  space.maps = {AffineMap::getMultiDimIdentityMap(rank, context), AffineMap::get(rank, 0, result, context)};
  return space;
}

LogicalResult CumSumOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult CumSumOp::verify() {
  int64_t axis = getAxis(), rank = getX().getType().getRank();
  // C1
  if (axis < 0 || axis >= rank)
    return emitOpError() << "axis must be in [0, " << rank << "), got " << axis;
  return success();
}

} // namespace tenon::graph
