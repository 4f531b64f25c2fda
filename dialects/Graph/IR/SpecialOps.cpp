//===- SpecialOps.cpp - Types and rules of scatter, cumprod, top_k and others --===//
#include "Graph/IR/SpecialOps.h"

#include "Graph/IR/OpSupport.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/SpecialOps.cpp.inc"

namespace tenon::graph {

//===----------------------------------------------------------------------===//
// scatter
//===----------------------------------------------------------------------===//

LogicalResult ScatterOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult ScatterOp::verify() {
  auto x = getX().getType(), indices = getIndices().getType(), updates = getUpdates().getType();
  // C1
  if (x.getRank() != 2 || indices.getRank() != 1 || updates.getRank() != 2)
    return emitOpError() << "ranks must be 2, 1 and 2, got " << x.getRank() << ", " << indices.getRank() << " and "
                         << updates.getRank();
  // C2
  if (!indices.getElementType().isSignlessInteger(64))
    return emitOpError() << "indices must be i64, got " << indices.getElementType();
  // C3
  if (x.getElementType() != updates.getElementType())
    return emitOpError() << "updates must have elements of " << x.getElementType() << ", got "
                         << updates.getElementType();
  // C4
  if (!llvm::is_contained({"none", "add", "mul", "min", "max"}, getReduction()))
    return emitOpError() << "reduction must be none, add, mul, min or max, got " << getReduction();
  return success();
}

//===----------------------------------------------------------------------===//
// cumprod
//===----------------------------------------------------------------------===//

LogicalResult CumProdOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  return success();
}

LogicalResult CumProdOp::verify() {
  int64_t axis = getAxis(), rank = getX().getType().getRank();
  // C1
  if (axis < 0 || axis >= rank)
    return emitOpError() << "axis must be in [0, " << rank << "), got " << axis;
  return success();
}

//===----------------------------------------------------------------------===//
// top_k
//===----------------------------------------------------------------------===//

LogicalResult TopKOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  SmallVector<DimAttr> dims = getDims(x);
  // C1
  if (int64_t(adaptor.getAxis()) < 0 || adaptor.getAxis() >= dims.size())
    return inferenceError(loc, "axis must be in [0, " + Twine(dims.size()) + "), got " + Twine(adaptor.getAxis()));
  dims[adaptor.getAxis()] = adaptor.getK();
  types.push_back(getTensorType(dims, x.getElementType()));
  types.push_back(getTensorType(dims, IntegerType::get(context, 64)));
  return success();
}

LogicalResult TopKOp::verify() {
  // C2
  if (getX().getType().getElementType().isInteger(1))
    return emitOpError() << "elements must have an order, got " << getX().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// det
//===----------------------------------------------------------------------===//

LogicalResult DetOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  SmallVector<DimAttr> dims = getDims(x);
  // C1
  if (dims.size() < 2 || !broadcast(dims.back(), dims[dims.size() - 2]))
    return inferenceError(loc, "the last two extents must be equal");
  types.push_back(getTensorType(ArrayRef(dims).drop_back(2), x.getElementType()));
  return success();
}

LogicalResult DetOp::verify() {
  auto x = getX().getType();
  // C1
  if (getDim(x, unsigned(x.getRank() - 2)) != getDim(x, unsigned(x.getRank() - 1)))
    return emitOpError() << "the last two extents must be equal, got " << x;
  // C2
  if (!isa<FloatType>(x.getElementType()))
    return emitOpError() << "elements must be floating point, got " << x.getElementType();
  return success();
}

//===----------------------------------------------------------------------===//
// dft
//===----------------------------------------------------------------------===//

LogicalResult DftOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  SmallVector<DimAttr> dims = getDims(x);
  const int64_t axis = int64_t(adaptor.getAxis());
  // C1
  if (axis < 0 || axis + 1 >= int64_t(dims.size()))
    return inferenceError(loc, "axis must be before the last of " + Twine(dims.size()) + ", got " + Twine(axis));
  const bool isReal = adaptor.getOnesided() && adaptor.getInverse();
  dims[size_t(axis)] =
      adaptor.getOnesided() && !isReal ? floorDiv(adaptor.getLength(), 2) + 1 : DimAttr(adaptor.getLength());
  dims.back() = DimAttr::constant(context, isReal ? 1 : 2);
  types.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

LogicalResult DftOp::verify() {
  auto x = getX().getType();
  DimAttr parts = getDims(x).back();
  // C2
  if (!parts.isConstant(1) && !parts.isConstant(2))
    return emitOpError() << "the last extent must be 1 or 2, got " << x;
  // C3
  if (!x.getElementType().isF32() && !x.getElementType().isF64())
    return emitOpError() << "elements must be f32 or f64, got " << x.getElementType();
  // C4
  if (getLength().getConstant().value_or(1) < 1)
    return emitOpError() << "length must be positive, got " << *getLength().getConstant();
  return success();
}

//===----------------------------------------------------------------------===//
// bitcast
//===----------------------------------------------------------------------===//

/// Bits in memory: whole bytes.
static unsigned bitsOf(Type element) { return std::max(element.getIntOrFloatBitWidth(), 8u); }

LogicalResult BitcastOp::verify() {
  auto from = getX().getType(), to = getResult().getType();
  // C1
  if (getDims(from) != getDims(to))
    return emitOpError() << "must keep the shape, got " << from << " and " << to;
  // C2
  if (bitsOf(from.getElementType()) != bitsOf(to.getElementType()))
    return emitOpError() << "element types must have as many bits, got " << from.getElementType() << " and "
                         << to.getElementType();
  return success();
}

Value BitcastOp::buildScalar(OpBuilder &b, Location loc, ValueRange operands) {
  Value x = operands[0];
  Type from = getX().getType().getElementType(), to = getResult().getType().getElementType();
  auto shaped = [&](Type element) -> Type {
    auto vector = dyn_cast<VectorType>(x.getType());
    return vector ? VectorType::get(vector.getShape(), element) : element;
  };
  if (from == to)
    return x;
  if (from.isInteger(1))
    x = arith::ExtUIOp::create(b, loc, shaped(b.getI8Type()), x);
  if (to.isInteger(1))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, splat(b, loc, x, 0));
  // Registers are signless, and narrow numbers bytes.
  Type target = shaped(isa<IntegerType>(to) || bitsOf(to) == 8 ? b.getIntegerType(bitsOf(to)) : to);
  return x.getType() == target ? x : Value(arith::BitcastOp::create(b, loc, target, x));
}

// Of values there is no telling the bits: lib/Reference copies bytes.
double BitcastOp::evaluateFloat(ArrayRef<double> operands) { return operands[0]; }
int64_t BitcastOp::evaluateInteger(ArrayRef<int64_t> operands) { return operands[0]; }
uint64_t BitcastOp::evaluateUnsigned(ArrayRef<uint64_t> operands) { return operands[0]; }
StringRef BitcastOp::getOnnxName() { return "BitCast"; }
bool BitcastOp::supportsIntegers() { return true; }
IterationSpace BitcastOp::getIterationSpace() { return getElementwiseSpace(*this); }

} // namespace tenon::graph
