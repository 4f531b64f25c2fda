//===- NormalizationOps.cpp - Types and rules of normalisation ------------===//
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/NormalizationOps.cpp.inc"

void tenon::graph::GraphDialect::registerNormalizationOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/NormalizationOps.cpp.inc"
      >();
}

namespace tenon::graph {

/// Every loop carries a dependence along `axes`, so those are reductions; x and y are indexed by all loops.
static IterationSpace getRowSpace(Operation *op, int64_t firstAxis, int64_t endAxis) {
  IterationSpace space;
  space.extents = getDims(tensorType(op->getResult(0).getType()));
  unsigned rank = space.extents.size();
  for (int64_t i = 0; i < static_cast<int64_t>(rank); ++i)
    space.iterators.push_back(i >= firstAxis && i < endAxis ? utils::IteratorType::reduction
                                                            : utils::IteratorType::parallel);
  for (Value operand : op->getOperands())
    space.maps.push_back(getBroadcastMap(tensorType(operand.getType()), space.extents));
  space.maps.push_back(AffineMap::getMultiDimIdentityMap(rank, op->getContext()));
  return space;
}

static LogicalResult verifyAxis(Operation *op, int64_t axis, int64_t rank) {
  // C1
  if (axis < 0 || axis >= rank)
    return op->emitOpError() << "axis must be in [0, " << rank << "), got " << axis;
  return success();
}

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifyAxis(*this, getAxis(), getX().getType().getRank()); }
IterationSpace SoftmaxOp::getIterationSpace() { return getRowSpace(*this, getAxis(), getAxis() + 1); }
double SoftmaxOp::getFlopsPerPoint() { return 12; }

LogicalResult LogSoftmaxOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult LogSoftmaxOp::verify() { return verifyAxis(*this, getAxis(), getX().getType().getRank()); }
IterationSpace LogSoftmaxOp::getIterationSpace() { return getRowSpace(*this, getAxis(), getAxis() + 1); }
double LogSoftmaxOp::getFlopsPerPoint() { return 12; }

LogicalResult LayerNormalizationOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                                     SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType());
  for (Value operand : {adaptor.getScale(), adaptor.getBias()})
    if (operand) {
      auto dims = broadcastShapes(loc, context, {getDims(x), getDims(tensorType(operand.getType()))});
      if (failed(dims))
        return failure();
      if (dims->size() != static_cast<size_t>(x.getRank()))
        return inferenceError(loc, "scale and bias must broadcast to x");
    }
  types.push_back(x);
  return success();
}

LogicalResult LayerNormalizationOp::verify() { return verifyAxis(*this, getAxis(), getX().getType().getRank()); }
IterationSpace LayerNormalizationOp::getIterationSpace() {
  return getRowSpace(*this, getAxis(), getX().getType().getRank());
}
double LayerNormalizationOp::getFlopsPerPoint() { return 8; }

LogicalResult RmsNormalizationOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  auto x = tensorType(adaptor.getX().getType());
  auto dims = broadcastShapes(loc, context, {getDims(x), getDims(tensorType(adaptor.getScale().getType()))});
  if (failed(dims))
    return failure();
  if (dims->size() != static_cast<size_t>(x.getRank()))
    return inferenceError(loc, "scale must broadcast to x");
  types.push_back(x);
  return success();
}

LogicalResult RmsNormalizationOp::verify() { return verifyAxis(*this, getAxis(), getX().getType().getRank()); }
IterationSpace RmsNormalizationOp::getIterationSpace() {
  return getRowSpace(*this, getAxis(), getX().getType().getRank());
}
double RmsNormalizationOp::getFlopsPerPoint() { return 5; }

LogicalResult BatchNormalizationOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                     SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult BatchNormalizationOp::verify() {
  auto x = getX().getType();
  if (x.getRank() < 2)
    return emitOpError() << "needs x of rank 2 or more, got " << x.getRank();
  for (Value v : {getScale(), getBias(), getMean(), getVar()}) {
    auto type = tensorType(v.getType());
    // C1
    if (type.getRank() != 1 || (!type.isDynamicDim(0) && !x.isDynamicDim(1) && type.getDimSize(0) != x.getDimSize(1)))
      return emitOpError() << "scale, bias, mean and var must have extent " << x.getDimSize(1) << ", got " << type;
    // Passes build arithmetic of x and the vectors.
    if (type.getElementType() != x.getElementType())
      return emitOpError() << "operands must have one element type, got " << x << " and " << type;
  }
  return success();
}

} // namespace tenon::graph
