//===- Quantizing.cpp - Division by the scale of a quantization -----------===//
#include "Quantizing.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

static Type elementTypeOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

static std::optional<float> getSplat(Value v) {
  auto constant = v.getDefiningOp<ConstantOp>();
  auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  if (!dense || !dense.isSplat() || !dense.getElementType().isF32())
    return std::nullopt;
  return dense.getSplatValue<APFloat>().convertToFloat();
}

/// Far below the quotients that are not exact.
static bool isModest(std::optional<float> value) { return value && std::abs(*value) <= 0x1p20f; }

static bool isNarrow(Type type) { return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() <= 16; }

/// Whether an addend of a quantization is a zero point.
static bool isZeroPoint(Value v) {
  auto cast = v.getDefiningOp<CastOp>();
  return isModest(getSplat(v)) || (cast && isNarrow(elementTypeOf(cast.getX())));
}

/// What the only uses from a value on make of it.
struct Fate {
  bool isInteger = false; ///< at the end, of at most 16 bits
  bool isRounded = false; ///< first of all
  bool saturates = false; ///< limited on both sides
};

static Fate follow(Value v) {
  Fate fate;
  bool hasLow = false, hasHigh = false;
  for (bool isFirst = true; v.hasOneUse(); isFirst = false) {
    Operation *user = *v.user_begin();
    auto other = [&] { return user->getOperand(user->getOperand(0) == v ? 1 : 0); };
    if (isa<CastOp>(user) && isNarrow(elementTypeOf(user->getResult(0)))) {
      fate.isInteger = true;
      fate.saturates = hasLow && hasHigh;
      return fate;
    }
    if (isa<RoundOp>(user))
      fate.isRounded |= isFirst;
    else if (isa<MinOp>(user) && isModest(getSplat(other())))
      hasHigh = true;
    else if (isa<ReluOp>(user) || (isa<MaxOp>(user) && isModest(getSplat(other()))))
      hasLow = true;
    else if (!(isa<AddOp>(user) && isZeroPoint(other())) && !(isa<DivOp>(user) && getSplat(other())) &&
             !(isa<CastOp>(user) && elementTypeOf(user->getResult(0)).isF32()))
      return {};
    v = user->getResult(0);
  }
  return {};
}

std::optional<float> getQuantizingDivisor(Operation *op) {
  auto division = dyn_cast<DivOp>(op);
  if (!division || !elementTypeOf(op->getResult(0)).isF32())
    return std::nullopt;
  std::optional<float> divisor = getSplat(op->getOperand(1));
  if (!divisor || !(std::abs(*divisor) >= 0x1p-60f && std::abs(*divisor) <= 0x1p60f))
    return std::nullopt;
  const Fate fate = follow(op->getResult(0));
  return fate.isRounded && fate.saturates ? divisor : std::nullopt;
}

void ignoreSignOfZero(Operation *op, Value result) {
  if (!isa<ReluOp, MaxOp, MinOp>(op) || !elementTypeOf(op->getResult(0)).isF32() || !follow(op->getResult(0)).isInteger)
    return;
  if (auto maximum = result.getDefiningOp<arith::MaximumFOp>())
    maximum.setFastmath(arith::FastMathFlags::nsz);
  if (auto minimum = result.getDefiningOp<arith::MinimumFOp>())
    minimum.setFastmath(arith::FastMathFlags::nsz);
}

Value emitQuantizingDivision(OpBuilder &b, Location loc, Value x, float divisor) {
  auto splat = [&](float value) -> Value {
    auto type = cast<VectorType>(x.getType());
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getF32FloatAttr(value)));
  };
  Value reciprocal = splat(1.0f / divisor), q = arith::MulFOp::create(b, loc, x, reciprocal);
  Value rest = math::FmaOp::create(b, loc, q, splat(-divisor), x);
  Value exact = math::FmaOp::create(b, loc, rest, reciprocal, q);
  // What is beyond has no rest: infinity less infinity.
  Value size = math::AbsFOp::create(b, loc, q);
  Value fits = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, size, splat(0x1p30f));
  return arith::SelectOp::create(b, loc, fits, exact, q);
}

} // namespace tenon::codegen
