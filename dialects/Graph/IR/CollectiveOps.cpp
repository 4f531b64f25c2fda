//===- CollectiveOps.cpp - Rules of what ranks say to each other --------------===//
#include "Graph/IR/CollectiveOps.h"

#include "Graph/IR/OpSupport.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/CollectiveOps.cpp.inc"

namespace tenon::graph {

static LogicalResult verifyGroup(Operation *op, ArrayRef<int64_t> group) {
  llvm::SmallSet<int64_t, 8> ranks(group.begin(), group.end());
  if (group.size() < 2 || ranks.size() != group.size() || *llvm::min_element(group) < 0)
    return op->emitOpError() << "group must hold at least two ranks, none negative or twice";
  return success();
}

static LogicalResult verifyKind(Operation *op, StringRef kind) {
  if (!llvm::is_contained({"sum", "prod", "min", "max"}, kind))
    return op->emitOpError() << "kind must be sum, prod, min or max, got " << kind;
  return success();
}

/// One extent a member, which sum up to that of `type` along `axis`; a valid axis.
static LogicalResult verifyParts(Operation *op, RankedTensorType type, int64_t axis, ShapeAttr extents,
                                 ArrayRef<int64_t> group) {
  if (axis < 0 || axis >= type.getRank())
    return op->emitOpError() << "axis must be in [0, " << type.getRank() << "), got " << axis;
  if (extents.size() != group.size())
    return op->emitOpError() << "must have an extent for each of " << group.size() << " members, got "
                             << extents.size();
  DimAttr sum = extents[0];
  for (size_t i = 1; i < group.size(); ++i)
    sum = sum + extents[i];
  DimAttr whole = getDim(type, axis);
  if (sum.getConstant() && whole.getConstant() && sum != whole)
    return op->emitOpError() << "parts sum up to " << *sum.getConstant() << " of " << *whole.getConstant();
  return success();
}

/// The element types and all extents but those along `axes` agree.
static LogicalResult verifyOthers(Operation *op, RankedTensorType x, RankedTensorType y, ArrayRef<int64_t> axes) {
  auto expected = getDims(x);
  if (x.getRank() != y.getRank() || x.getElementType() != y.getElementType())
    return op->emitOpError() << "must keep rank and element type";
  for (int64_t axis : axes)
    expected[axis] = getDim(y, axis);
  if (!mayHaveDims(y, expected))
    return op->emitOpError() << "must keep the extents of other axes";
  return success();
}

LogicalResult AllReduceOp::verify() {
  return success(succeeded(verifyGroup(*this, getGroup())) && succeeded(verifyKind(*this, getKind())));
}

LogicalResult AllGatherOp::verify() {
  auto x = getX().getType(), y = getResult().getType();
  const int64_t axis = getAxis();
  return success(succeeded(verifyGroup(*this, getGroup())) &&
                 succeeded(verifyParts(*this, y, axis, getExtents(), getGroup())) &&
                 succeeded(verifyOthers(*this, x, y, axis)));
}

LogicalResult ReduceScatterOp::verify() {
  auto x = getX().getType(), y = getResult().getType();
  const int64_t axis = getAxis();
  return success(succeeded(verifyGroup(*this, getGroup())) && succeeded(verifyKind(*this, getKind())) &&
                 succeeded(verifyParts(*this, x, axis, getExtents(), getGroup())) &&
                 succeeded(verifyOthers(*this, x, y, axis)));
}

LogicalResult AllToAllOp::verify() {
  auto x = getX().getType(), y = getResult().getType();
  const int64_t split = getSplitAxis(), concat = getConcatAxis();
  if (split == concat)
    return emitOpError() << "the two axes must differ, both are " << split;
  return success(succeeded(verifyGroup(*this, getGroup())) &&
                 succeeded(verifyParts(*this, x, split, getSplitExtents(), getGroup())) &&
                 succeeded(verifyParts(*this, y, concat, getConcatExtents(), getGroup())) &&
                 succeeded(verifyOthers(*this, x, y, {split, concat})));
}

static LogicalResult verifyPeer(Operation *op, int64_t peer) {
  if (peer < 0)
    return op->emitOpError() << "the peer must be a rank, got " << peer;
  return success();
}

LogicalResult SendOp::verify() { return verifyPeer(*this, getPeer()); }
LogicalResult ReceiveOp::verify() { return verifyPeer(*this, getPeer()); }

} // namespace tenon::graph
