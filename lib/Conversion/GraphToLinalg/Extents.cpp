//===- Extents.cpp - Symbolic extents as index values ---------------------===//
#include "Extents.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon {

/// tensor.dim of a value among `values` with this extent.
static Value findDimension(OpBuilder &b, Location loc, ValueRange values, DimAttr extent) {
  for (Value v : values) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    if (!type)
      continue;
    for (auto [i, dim] : llvm::enumerate(getDims(type)))
      if (dim == extent)
        return tensor::DimOp::create(b, loc, v, i);
  }
  return {};
}

/// Operands of `op`, then the arguments of the blocks around it (a dispatch region sees its own only).
static Value findDimension(OpBuilder &b, Operation *op, DimAttr extent) {
  if (Value found = findDimension(b, op->getLoc(), op->getOperands(), extent))
    return found;
  for (Block *block = op->getBlock(); block;) {
    if (Value found = findDimension(b, op->getLoc(), block->getArguments(), extent))
      return found;
    Operation *parent = block->getParentOp();
    block = !parent || parent->hasTrait<OpTrait::IsIsolatedFromAbove>() ? nullptr : parent->getBlock();
  }
  return {};
}

static Value combine(OpBuilder &b, Location loc, DimKind kind, Value x, Value y) {
  switch (kind) {
  case DimKind::Sum:
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  case DimKind::Product:
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  case DimKind::FloorDiv:
    return b.createOrFold<arith::FloorDivSIOp>(loc, x, y);
  case DimKind::Min:
    return b.createOrFold<arith::MinSIOp>(loc, x, y);
  case DimKind::Max:
  case DimKind::Broadcast: // one of the two is 1, or they are equal; but 0 and 1 give 0
    break;
  case DimKind::Constant:
  case DimKind::Symbol:
    return {};
  }
  if (kind == DimKind::Max)
    return b.createOrFold<arith::MaxSIOp>(loc, x, y);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value isOne = b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, x, one);
  return b.createOrFold<arith::SelectOp>(loc, isOne, y, x);
}

Value materializeExtent(OpBuilder &b, Operation *op, DimAttr extent) {
  Location loc = op->getLoc();
  if (auto constant = extent.getConstant())
    return arith::ConstantIndexOp::create(b, loc, *constant);
  if (Value found = findDimension(b, op, extent))
    return found;
  DimKind kind = extent.getKind();
  if (kind == DimKind::Symbol)
    return {};
  Value result;
  bool hasConstant =
      (kind == DimKind::Sum && extent.getValue() != 0) || (kind == DimKind::Product && extent.getValue() != 1);
  if (hasConstant)
    result = arith::ConstantIndexOp::create(b, loc, extent.getValue());
  for (DimAttr operand : extent.dims()) {
    Value value = materializeExtent(b, op, operand);
    if (!value)
      return {};
    result = result ? combine(b, loc, kind, result, value) : value;
  }
  return result;
}

Value createEmpty(OpBuilder &b, Operation *op, RankedTensorType type) {
  SmallVector<Value> sizes;
  for (DimAttr dim : getDims(type)) {
    if (dim.getConstant())
      continue;
    Value size = materializeExtent(b, op, dim);
    if (!size)
      return {};
    sizes.push_back(size);
  }
  return tensor::EmptyOp::create(b, op->getLoc(), type, sizes);
}

} // namespace tenon
