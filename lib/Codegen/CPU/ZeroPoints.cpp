//===- ZeroPoints.cpp - From sums of bytes to sums of differences ---------===//
#include "ZeroPoints.h"

#include "HeavyEmit.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {

std::optional<IntegerOperands> IntegerOperands::get(Operation *op) {
  if (auto product = dyn_cast<graph::IntegerMatMulOp>(op))
    return IntegerOperands{product.getX(), product.getW(), product.getXZero(), product.getWZero()};
  if (auto conv = dyn_cast<graph::IntegerConvOp>(op))
    return IntegerOperands{conv.getX(), conv.getW(), conv.getXZero(), conv.getWZero()};
  return std::nullopt;
}

bool IntegerOperands::isSigned(Value operand) {
  return !cast<RankedTensorType>(operand.getType()).getElementType().isUnsignedInteger();
}

ZeroPoints::ZeroPoints(const HeavyRegion &region, KernelBuilder &k, bool packed)
    : region(region), k(k), operands(*IntegerOperands::get(region.heavy)), packed(packed),
      xSigned(IntegerOperands::isSigned(operands.x)), wSigned(IntegerOperands::isSigned(operands.w)) {}

Value ZeroPoints::constant(int64_t value) {
  return arith::ConstantOp::create(k.builder(), k.loc(), k.builder().getI32IntegerAttr(value));
}

Value ZeroPoints::spread(Value scalar) {
  auto type = VectorType::get({vectorWidth}, k.builder().getI32Type());
  return vector::BroadcastOp::create(k.builder(), k.loc(), type, scalar);
}

Value ZeroPoints::widen(Value bytes, bool isSigned) {
  Type type = k.builder().getI32Type();
  if (auto vector = dyn_cast<VectorType>(bytes.getType()))
    type = VectorType::get(vector.getShape(), type);
  if (isSigned)
    return arith::ExtSIOp::create(k.builder(), k.loc(), type, bytes);
  return arith::ExtUIOp::create(k.builder(), k.loc(), type, bytes);
}

/// Element `index` of a zero point: an operand of the region, or a constant inside it.
Value ZeroPoints::load(Value operand, Value index) {
  if (auto argument = dyn_cast<BlockArgument>(operand))
    return memref::LoadOp::create(k.builder(), k.loc(), k.buffer(argument.getArgNumber()), index);
  auto values = cast<DenseElementsAttr>(operand.getDefiningOp<graph::ConstantOp>().getValue());
  auto byte = k.builder().getIntegerAttr(k.builder().getI8Type(), values.getSplatValue<APInt>());
  return arith::ConstantOp::create(k.builder(), k.loc(), byte);
}

int64_t ZeroPoints::shift() const {
  if (!packed || xSigned != wSigned) // stored as they are: of the sign that x has not
    return 0;
  return wSigned ? 128 : -128;
}

Value ZeroPoints::xZeroByte() {
  if (operands.xZero)
    return load(operands.xZero, k.constant(0));
  return arith::ConstantOp::create(k.builder(), k.loc(), k.builder().getI8IntegerAttr(0));
}

Value ZeroPoints::xZero() { return operands.xZero ? widen(xZeroByte(), xSigned) : constant(0); }

Value ZeroPoints::wZero(Value column) {
  if (!operands.wZero)
    return constant(shift());
  const bool isOne = cast<RankedTensorType>(operands.wZero.getType()).getNumElements() == 1;
  Value zero = widen(load(operands.wZero, isOne ? k.constant(0) : column), wSigned);
  return k.builder().createOrFold<arith::AddIOp>(k.loc(), zero, constant(shift()));
}

Value ZeroPoints::wZeros(Value column, Value lanes) {
  if (!operands.wZero || cast<RankedTensorType>(operands.wZero.getType()).getNumElements() == 1)
    return spread(wZero(column));
  Value bytes;
  if (auto argument = dyn_cast<BlockArgument>(operands.wZero))
    bytes = loadVector(k, k.buffer(argument.getArgNumber()), column, lanes);
  else
    return spread(wZero(column));
  return k.builder().createOrFold<arith::AddIOp>(k.loc(), widen(bytes, wSigned), spread(constant(shift())));
}

Value ZeroPoints::start(Value packedWeights, Value sumsIndex, int64_t depth, Value column, Value lanes) {
  OpBuilder &b = k.builder();
  if (!operands.xZero)
    return spread(constant(0));
  Value bytes =
      vector::LoadOp::create(b, k.loc(), getVectorType(packedWeights, 4 * vectorWidth), packedWeights, sumsIndex);
  Value sums = vector::BitCastOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI32Type()), bytes);
  if (needsRowSums()) {
    Value all = arith::MulIOp::create(b, k.loc(), wZeros(column, lanes), spread(constant(depth)));
    sums = arith::SubIOp::create(b, k.loc(), sums, all);
  }
  Value negated = arith::SubIOp::create(b, k.loc(), constant(0), xZero());
  return arith::MulIOp::create(b, k.loc(), sums, spread(negated));
}

Value ZeroPoints::finish(Value sums, Value rowSum, Value column, Value lanes) {
  OpBuilder &b = k.builder();
  Value product = arith::MulIOp::create(b, k.loc(), wZeros(column, lanes), spread(rowSum));
  return arith::SubIOp::create(b, k.loc(), sums, product);
}

} // namespace tenon::codegen
