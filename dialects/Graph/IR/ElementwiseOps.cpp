//===- ElementwiseOps.cpp - Types, spaces and folds of elementwise ops ----===//
#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/CommonFolders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tenon::graph {

LogicalResult inferElementwise(std::optional<Location> loc, ValueRange operands, StringRef resultType,
                               SmallVectorImpl<Type> &types) {
  SmallVector<SmallVector<DimAttr>> shapes;
  for (Value operand : operands)
    shapes.push_back(getDims(tensorType(operand.getType())));
  // The operands share an element type, but for the condition of a ternary op.
  Type element = tensorType(operands.back().getType()).getElementType();
  for (Value operand : operands.drop_front(operands.size() == 3 ? 1 : 0))
    if (Type other = tensorType(operand.getType()).getElementType(); other != element) {
      if (loc)
        emitError(*loc) << "operands must have one element type, got " << other << " and " << element;
      return failure();
    }
  if (Type first = tensorType(operands.front().getType()).getElementType(); operands.size() == 3 && !first.isInteger(1))
    return inferenceError(loc, "the condition must have elements of type i1");
  auto shape = broadcastShapes(loc, element.getContext(), shapes);
  if (failed(shape))
    return failure();
  if (resultType == "bool")
    element = IntegerType::get(element.getContext(), 1);
  types.push_back(getTensorType(*shape, element));
  return success();
}

IterationSpace getElementwiseSpace(Operation *op) {
  IterationSpace space;
  space.extents = getDims(tensorType(op->getResult(0).getType()));
  space.iterators.assign(space.extents.size(), utils::IteratorType::parallel);
  for (Value operand : op->getOperands())
    space.maps.push_back(getBroadcastMap(tensorType(operand.getType()), space.extents));
  space.maps.push_back(AffineMap::getMultiDimIdentityMap(space.extents.size(), op->getContext()));
  return space;
}

/// True if `v` is a constant all of whose elements are `value`.
static bool isSplatOf(Value v, double value) {
  DenseElementsAttr elements;
  if (!matchPattern(v, m_Constant(&elements)) || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble() == value;
  return elements.getElementType().isSignlessInteger() && elements.getSplatValue<APInt>().getSExtValue() == value;
}

/// x + 0, x - 0, x * 1, x / 1 -> x where broadcasting does not change the type. (x + 0 turns -0 into 0 in IEEE
/// arithmetic; ONNX does not distinguish them, so only x + -0 and x - 0 fold for floats.)
OpFoldResult foldElementwise(Operation *op) {
  if (op->getNumOperands() != 2)
    return {};
  Value x = op->getOperand(0), y = op->getOperand(1);
  if (x.getType() != op->getResult(0).getType())
    return {};
  bool isInteger = !isFloatLike(x);
  bool folds = (isa<SubOp>(op) && isSplatOf(y, 0)) || (isa<AddOp>(op) && isInteger && isSplatOf(y, 0)) ||
               (isa<MulOp, DivOp>(op) && isSplatOf(y, 1));
  return folds ? OpFoldResult(x) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// cast
//===----------------------------------------------------------------------===//

LogicalResult CastOp::verify() {
  // C1
  if (getDims(getX().getType()) != getDims(getResult().getType()))
    return emitOpError() << "must keep the shape, got " << getX().getType() << " and " << getResult().getType();
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getX().getType() == getResult().getType() ? OpFoldResult(getX()) : OpFoldResult();
}

double CastOp::evaluateFloat(ArrayRef<double> operands) {
  return getResult().getType().getElementType().isInteger(1) ? operands[0] != 0 : operands[0];
}

int64_t CastOp::evaluateInteger(ArrayRef<int64_t> operands) {
  return getResult().getType().getElementType().isInteger(1) ? operands[0] != 0 : operands[0];
}

uint64_t CastOp::evaluateUnsigned(ArrayRef<uint64_t> operands) {
  return getResult().getType().getElementType().isInteger(1) ? operands[0] != 0 : operands[0];
}

StringRef CastOp::getOnnxName() { return "Cast"; }
bool CastOp::supportsIntegers() { return true; }
IterationSpace CastOp::getIterationSpace() { return getElementwiseSpace(*this); }

} // namespace tenon::graph
