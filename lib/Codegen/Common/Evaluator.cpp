//===- Evaluator.cpp - Vectors of the values of a dispatch region ---------===//
#include "tenon/Codegen/Common/Evaluator.h"

#include "Quantizing.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

Type registerType(Type elementType) {
  if (!elementType.isIntOrFloat())
    return elementType;
  unsigned width = elementType.getIntOrFloatBitWidth();
  if (isa<IntegerType>(elementType))
    return IntegerType::get(elementType.getContext(), width == 1 ? 1 : std::max(width, 8u));
  // Narrow floats are moved, never computed with.
  return width <= 8 ? IntegerType::get(elementType.getContext(), 8) : elementType;
}

static Type elementTypeOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

VectorType Evaluator::vectorOf(Type elementType) const { return VectorType::get({math.width}, elementType); }

SmallVector<Value> Evaluator::extents(Value value) {
  SmallVector<Value> result;
  for (DimAttr dim : getDims(cast<RankedTensorType>(value.getType())))
    result.push_back(kernel.param(dim));
  return result;
}

void Evaluator::setLanes(Value value) {
  lanes = value;
  laneMask = {};
  if (lanes)
    laneMask = vector::CreateMaskOp::create(b, math.loc, vectorOf(b.getI1Type()), ValueRange{lanes});
}

Value Evaluator::mask() { return laneMask; }

Value Evaluator::splat(Value scalar) {
  return vector::BroadcastOp::create(b, math.loc, vectorOf(scalar.getType()), scalar);
}

Value Evaluator::splatConstant(Type elementType, Attribute value) {
  return arith::ConstantOp::create(b, math.loc, DenseElementsAttr::get(vectorOf(elementType), value));
}

Value Evaluator::branch(Value condition, Type type, function_ref<Value()> then, function_ref<Value()> otherwise) {
  if (auto constant = getConstantIntValue(condition))
    return *constant ? then() : otherwise();
  auto op = scf::IfOp::create(b, math.loc, TypeRange{type}, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  auto fill = [&](Block *block, function_ref<Value()> fn) {
    Scope scope(*this);
    b.setInsertionPointToEnd(block);
    scf::YieldOp::create(b, math.loc, fn());
  };
  fill(op.thenBlock(), then);
  fill(op.elseBlock(), otherwise);
  return op.getResult(0);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static Value zeroOf(OpBuilder &b, Location loc, Type type) {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

Value Evaluator::load(Value buffer, const Coord &offset, Type elementType) {
  bool isBool = elementType.isInteger(1);
  Type memory = isBool ? b.getI8Type() : registerType(elementType);
  VectorType type = vectorOf(memory);
  auto step = offset.step ? getConstantIntValue(offset.step) : std::nullopt;
  auto uniform = [&]() -> Value { return splat(memref::LoadOp::create(b, math.loc, buffer, ValueRange{offset.base})); };
  auto consecutive = [&] { return kernel.loadConsecutive(b, type, buffer, offset.base, laneMask); };
  Value vector;
  if (offset.isUniform() || step == 0) {
    vector = uniform();
  } else if (step == 1) {
    vector = consecutive();
  } else if (offset.unit) {
    Value moves = math.equal(offset.step, math.constant(1));
    vector = branch(moves, type, consecutive, uniform);
  } else {
    Value base = offset.each ? math.constant(0) : offset.base;
    Coord relative = offset;
    if (!offset.each)
      relative.base = math.constant(0);
    vector = kernel.gather(b, type, buffer, base, math.toVector(relative), laneMask);
  }
  if (!isBool)
    return vector;
  return arith::CmpIOp::create(b, math.loc, arith::CmpIPredicate::ne, vector, zeroOf(b, math.loc, type));
}

void Evaluator::store(Value vector, Value buffer, const Coord &offset) {
  Type memory = cast<MemRefType>(buffer.getType()).getElementType();
  if (cast<VectorType>(vector.getType()).getElementType().isInteger(1))
    vector = arith::ExtUIOp::create(b, math.loc, vectorOf(memory), vector);
  if (offset.isUniform()) {
    Value first = vector::ExtractOp::create(b, math.loc, vector, 0);
    memref::StoreOp::create(b, math.loc, first, buffer, ValueRange{offset.base});
  } else {
    kernel.storeConsecutive(b, vector, buffer, offset.base, laneMask);
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value Evaluator::loadOperand(Value value, Value buffer, ArrayRef<Coord> coords) {
  Coord offset = math.flatten(coords, extents(value));
  bool prefetches = prefetchDistance && !laneMask && offset.base &&
                    getDims(cast<RankedTensorType>(value.getType())) == ArrayRef<DimAttr>(prefetchDims);
  if (prefetches)
    kernel.prefetch(b, buffer, math.add(offset.base, prefetchDistance));
  return load(buffer, offset, elementTypeOf(value));
}

Value Evaluator::evaluate(Value value, ArrayRef<Coord> coords) {
  if (Value vector = bound.lookup(value))
    return vector;
  for (const Known &known : memo)
    if (known.value == value && ArrayRef<Coord>(known.coords) == coords)
      return known.vector;
  Value vector;
  if (auto tile = tiles.find(value); tile != tiles.end())
    vector = load(tile->second.buffer, tileOffset(value, coords, tile->second.dims, tile->second.acrossLanes),
                  elementTypeOf(value));
  else if (Value buffer = buffers.lookup(value))
    vector = loadOperand(value, buffer, coords);
  else
    vector = computeAtItsLocation(value.getDefiningOp(), coords);
  memo.push_back({value, SmallVector<Coord>(coords), vector});
  return vector;
}

Coord Evaluator::tileOffset(Value value, ArrayRef<Coord> coords, ArrayRef<int64_t> dims, bool acrossLanes) {
  SmallVector<Value> all = extents(value), own;
  SmallVector<Coord> at;
  for (int64_t d : dims) {
    own.push_back(all[d]);
    at.push_back(coords[d]);
  }
  Coord flat = math.flatten(at, own);
  return acrossLanes ? math.add(math.mul(flat, math.constant(math.width)), math.consecutive(math.constant(0))) : flat;
}

Value Evaluator::computeAtItsLocation(Operation *op, ArrayRef<Coord> coords) {
  Location outer = std::exchange(math.loc, kernel.locationOf(op));
  Value result = compute(op, coords);
  math.loc = outer;
  return result;
}

Value Evaluator::compute(Operation *op, ArrayRef<Coord> coords) {
  if (isa<ElementwiseOpInterface>(op))
    return computeElementwise(op, coords);
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](ConstantOp constant) { return computeConstant(constant); })
      .Case([&](MaxPoolOp pool) { return computeMaxPool(pool, coords); })
      .Case([&](AveragePoolOp pool) { return computeAveragePool(pool, coords); })
      .Case([&](ResizeOp resize) { return computeResize(resize, coords); })
      .Default([&](Operation *other) { return computeMovement(other, coords); });
}

SmallVector<Coord> Evaluator::broadcastCoords(Value operand, ArrayRef<DimAttr> dims, ArrayRef<Coord> coords) {
  auto own = getDims(cast<RankedTensorType>(operand.getType()));
  dims = dims.take_back(own.size());
  SmallVector<Coord> result(coords.take_back(own.size()));
  for (auto [mine, theirs, coord] : llvm::zip_equal(own, dims, result)) {
    if (mine == theirs)
      continue;
    if (mine.isConstant(1)) {
      coord = math.uniform(math.constant(0));
    } else if (!mine.getConstant()) {
      // The extent is 1 or the result's: known at run time.
      Value repeats = math.equal(kernel.param(mine), math.constant(1));
      if (coord.each) {
        coord.each = math.select(repeats, math.constantLike(coord.each, 0), coord.each);
        continue;
      }
      coord.base = math.select(repeats, math.constant(0), coord.base);
      if (coord.step)
        coord.step = math.select(repeats, math.constant(0), coord.step);
    }
  }
  return result;
}

Value Evaluator::computeElementwise(Operation *op, ArrayRef<Coord> coords) {
  auto dims = getDims(cast<RankedTensorType>(op->getResult(0).getType()));
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(evaluate(operand, broadcastCoords(operand, dims, coords)));
  if (auto cast = dyn_cast<CastOp>(op))
    return computeCast(cast, operands[0]);
  if (std::optional<float> divisor = kernel.dividesSlowly() ? getQuantizingDivisor(op) : std::nullopt)
    return emitQuantizingDivision(b, math.loc, operands[0], *divisor);
  Value result = cast<ElementwiseOpInterface>(op).buildScalar(b, math.loc, operands);
  if (kernel.dividesSlowly())
    ignoreSignOfZero(op, result);
  return result;
}

/// Unsigned integers exist in tensor types only: registers are signless, so their casts are spelled out here.
Value Evaluator::computeCast(CastOp op, Value x) {
  Type from = elementTypeOf(op.getX()), to = elementTypeOf(op.getResult());
  if (!from.isUnsignedInteger() && !to.isUnsignedInteger())
    return op.buildScalar(b, math.loc, x);
  VectorType type = vectorOf(registerType(to));
  if (from.isUnsignedInteger() && isa<FloatType>(to))
    return arith::UIToFPOp::create(b, math.loc, type, x);
  if (isa<FloatType>(from))
    return arith::FPToUIOp::create(b, math.loc, type, x);
  if (to.isInteger(1))
    return arith::CmpIOp::create(b, math.loc, arith::CmpIPredicate::ne, x, zeroOf(b, math.loc, x.getType()));
  unsigned fromBits = from.getIntOrFloatBitWidth(), toBits = to.getIntOrFloatBitWidth();
  if (fromBits == toBits)
    return x;
  if (fromBits > toBits)
    return arith::TruncIOp::create(b, math.loc, type, x);
  if (from.isUnsignedInteger() || fromBits == 1)
    return arith::ExtUIOp::create(b, math.loc, type, x);
  return arith::ExtSIOp::create(b, math.loc, type, x);
}

Value Evaluator::computeConstant(ConstantOp op) {
  auto elements = cast<DenseElementsAttr>(op.getValue());
  Type type = registerType(elements.getElementType());
  if (auto integer = dyn_cast<IntegerType>(type))
    return splatConstant(type, b.getIntegerAttr(integer, elements.getSplatValue<APInt>()));
  return splatConstant(type, b.getFloatAttr(type, elements.getSplatValue<APFloat>()));
}

} // namespace tenon::codegen
