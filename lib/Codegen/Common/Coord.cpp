//===- Coord.cpp - Where the lanes of a vector are ------------------------===//
#include "tenon/Codegen/Common/Coord.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {

static bool isSameIndex(Value x, Value y) {
  if (x == y)
    return true;
  if (!x || !y)
    return false;
  auto constant = getConstantIntValue(x);
  return constant && constant == getConstantIntValue(y);
}

bool Coord::operator==(const Coord &other) const {
  return isSameIndex(base, other.base) && isSameIndex(step, other.step) && each == other.each;
}

Value IndexMath::constant(int64_t value) const { return arith::ConstantIndexOp::create(b, loc, value); }

Value IndexMath::constantLike(Value like, int64_t value) const {
  if (auto type = dyn_cast<VectorType>(like.getType()))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getIndexAttr(value)));
  return constant(value);
}

Value IndexMath::add(Value x, Value y) const {
  return b.createOrFold<arith::AddIOp>(loc, x, y, arith::IntegerOverflowFlags::nsw);
}
Value IndexMath::sub(Value x, Value y) const {
  return b.createOrFold<arith::SubIOp>(loc, x, y, arith::IntegerOverflowFlags::nsw);
}
Value IndexMath::mul(Value x, Value y) const {
  return b.createOrFold<arith::MulIOp>(loc, x, y, arith::IntegerOverflowFlags::nsw);
}
Value IndexMath::div(Value x, Value y) const { return b.createOrFold<arith::DivUIOp>(loc, x, y); }
Value IndexMath::rem(Value x, Value y) const { return b.createOrFold<arith::RemUIOp>(loc, x, y); }
Value IndexMath::min(Value x, Value y) const { return b.createOrFold<arith::MinSIOp>(loc, x, y); }
Value IndexMath::max(Value x, Value y) const { return b.createOrFold<arith::MaxSIOp>(loc, x, y); }
Value IndexMath::ceilDiv(Value x, Value y) const { return div(add(x, sub(y, constantLike(y, 1))), y); }
Value IndexMath::equal(Value x, Value y) const {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, x, y);
}
Value IndexMath::less(Value x, Value y) const {
  return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x, y);
}
Value IndexMath::select(Value condition, Value x, Value y) const {
  return b.createOrFold<arith::SelectOp>(loc, condition, x, y);
}

Value IndexMath::splat(Value index) const {
  return vector::BroadcastOp::create(b, loc, VectorType::get({width}, b.getIndexType()), index);
}

Value IndexMath::toVector(const Coord &x) const {
  if (x.each)
    return x.each;
  Value base = splat(x.base);
  if (!x.step)
    return base;
  Value lanes = vector::StepOp::create(b, loc, VectorType::get({width}, b.getIndexType()));
  if (getConstantIntValue(x.step) != 1)
    lanes = mul(lanes, splat(x.step));
  return add(base, lanes);
}

Coord IndexMath::add(const Coord &x, const Coord &y) const {
  if (x.each || y.each)
    return {{}, {}, add(toVector(x), toVector(y)), false};
  Coord sum{add(x.base, y.base), x.step ? x.step : y.step, {}, x.step ? x.unit : y.unit};
  if (x.step && y.step) {
    sum.step = add(x.step, y.step);
    sum.unit = false;
  }
  return sum;
}

Coord IndexMath::mul(const Coord &x, Value factor) const {
  auto constant = getConstantIntValue(factor);
  if (constant == 1)
    return x;
  if (constant == 0)
    return uniform(factor);
  if (x.each)
    return {{}, {}, mul(x.each, splat(factor)), false};
  return {mul(x.base, factor), x.step ? mul(x.step, factor) : Value(), {}, false};
}

Coord IndexMath::map(const Coord &x, function_ref<Value(Value)> fn) const {
  if (x.isUniform())
    return uniform(fn(x.base));
  return {{}, {}, fn(toVector(x)), false};
}

Coord IndexMath::flatten(ArrayRef<Coord> coords, ValueRange extents) const {
  if (coords.empty())
    return uniform(constant(0));
  Coord flat = coords.front();
  for (auto [coord, extent] : llvm::zip_equal(coords.drop_front(), extents.drop_front()))
    flat = add(mul(flat, extent), coord);
  return flat;
}

} // namespace tenon::codegen
