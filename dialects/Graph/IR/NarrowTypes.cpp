//===- NarrowTypes.cpp - Numbers of 8, 4 and 2 bits ------------------------===//
#include "Graph/IR/NarrowTypes.h"

#include "Graph/IR/SpecialOps.h"
#include <cmath>

using namespace mlir;

namespace tenon::graph {

bool isNarrow(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() == 2 || integer.getWidth() == 4;
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8;
}

namespace {

Value bitcast(Expressions &c, Value x, Type element) {
  return c.make<BitcastOp>(getTensorType(c.dimsOf(x), element), x);
}

/// The format of a narrow float with a sign.
struct Format {
  const llvm::fltSemantics &semantics;
  int width, mantissa, smallest; ///< bits, bits stored, exponent of the smallest normal number
  bool hasNegativeZero, hasInfinity;
  int64_t nan; ///< its bits; with the sign added where there is a negative zero

  explicit Format(FloatType type)
      : semantics(type.getFloatSemantics()), width(int(type.getWidth())),
        mantissa(int(APFloat::semanticsPrecision(semantics)) - 1), smallest(APFloat::semanticsMinExponent(semantics)),
        hasNegativeZero(!isa<Float8E4M3FNUZType, Float8E5M2FNUZType>(type)), hasInfinity(isa<Float8E5M2Type>(type)),
        nan(isa<Float8E5M2Type>(type)     ? 0x7e
            : isa<Float8E4M3FNType>(type) ? 0x7f
            : isa<Float4E2M1FNType>(type) ? 8
                                          : 0x80) {}

  double getLargest() const { return APFloat::getLargest(semantics).convertToDouble(); }
};

/// |x| rounded to the format: to a multiple of the step that numbers of its exponent have.
Value roundToStep(Expressions &c, Value magnitude, const Format &f) {
  Value exponent = c.max(c.shiftRight(bitcast(c, magnitude, c.integer(32)), 23), double(127 + f.smallest));
  Value step = bitcast(c, c.shiftLeft(c.sub(exponent, f.mantissa), 23), c.f32());
  return c.mul(c.make<RoundOp>(c.div(magnitude, step)), step);
}

/// The bits of x (f32) in the format, as i32.
Value encode(Expressions &c, Value x, const Format &f, bool saturates) {
  Value bits = bitcast(c, x, c.integer(32)), magnitude = c.make<AbsOp>(x);
  Value rounded = roundToStep(c, magnitude, f);
  Value isLarge = c.less(c.like(rounded, f.getLargest()), rounded);
  rounded = c.select(isLarge, c.like(rounded, f.getLargest()), rounded);
  // Normal numbers are those of f32 with another bias and fewer bits; the others are multiples of the smallest.
  Value normal = c.sub(c.shiftRight(bitcast(c, rounded, c.integer(32)), 23 - f.mantissa),
                       double((126 + f.smallest) << f.mantissa));
  Value tiny = c.cast(c.mul(rounded, std::ldexp(1.0, f.mantissa - f.smallest)), c.integer(32));
  Value code = c.select(c.less(rounded, std::ldexp(1.0, f.smallest)), tiny, normal);
  Value sign = c.select(c.less(bits, 0.0), c.like(bits, double(1 << (f.width - 1))), c.like(bits, 0));
  Value isNaN = c.make<IsNaNOp>(x), nan = c.like(bits, double(f.nan));
  if (!saturates && f.width == 8) {
    // Infinity has the bits after those of the largest number.
    Value overflow = f.hasInfinity ? c.like(bits, 0x7c) : nan;
    code = c.select(isLarge, overflow, code);
  }
  if (!f.hasNegativeZero) {
    Value isPlain = c.either(c.equal(code, 0.0), c.equal(code, double(f.nan)));
    return c.select(isNaN, nan, c.select(isPlain, code, c.add(code, sign)));
  }
  if (f.width == 4) // no NaN: it becomes -0
    return c.select(isNaN, nan, c.add(code, sign));
  return c.add(c.select(isNaN, nan, code), sign);
}

/// A power of two: the exponent of x, raised by one as the mode says.
Value encodeExponent(Expressions &c, Value x, NarrowRounding rounding) {
  Value bits = bitcast(c, x, c.integer(32));
  Value exponent = c.bitsAnd(c.shiftRight(bits, 23), 255), fraction = c.bitsAnd(bits, 0x7fffff);
  Value isSpecial = c.equal(exponent, 255);
  if (rounding.mode != "down") {
    Value moves = c.less(c.like(fraction, 0), fraction);
    if (rounding.mode == "nearest") // half goes up but for the smallest
      moves = c.either(c.less(c.like(fraction, 0x400000), fraction),
                       c.both(c.equal(fraction, 0x400000), c.less(c.like(exponent, 0), exponent)));
    Value next = c.add(exponent, 1);
    if (rounding.saturates)
      next = c.min(next, 254);
    exponent = c.select(moves, next, exponent);
  }
  return c.select(isSpecial, c.like(exponent, 255), exponent);
}

} // namespace

Value readNarrow(Expressions &c, Value x) {
  Type type = c.elementOf(x);
  if (auto integer = dyn_cast<IntegerType>(type)) {
    int rest = 8 - int(integer.getWidth());
    if (integer.isUnsigned())
      return c.bitsAnd(bitcast(c, x, c.u8()), (1 << integer.getWidth()) - 1);
    return c.shiftRight(c.shiftLeft(bitcast(c, x, c.integer(8)), rest), rest);
  }
  auto floatType = cast<FloatType>(type);
  SmallVector<float> values;
  for (uint64_t code = 0; code < uint64_t(1) << floatType.getWidth(); ++code)
    values.push_back(
        float(APFloat(floatType.getFloatSemantics(), APInt(floatType.getWidth(), code)).convertToDouble()));
  auto tableType = RankedTensorType::get({int64_t(values.size())}, c.f32());
  Value table = c.make<ConstantOp>(DenseElementsAttr::get(tableType, ArrayRef<float>(values)));
  Value code = c.cast(bitcast(c, x, c.u8()), c.integer(64));
  if (floatType.getWidth() < 8)
    code = c.bitsAnd(code, int64_t(values.size()) - 1);
  return c.make<GatherOp>(table, code, c.b.getI64IntegerAttr(0));
}

Value writeNarrow(Expressions &c, Value x, Type elementType, NarrowRounding rounding) {
  Value code;
  if (auto integer = dyn_cast<IntegerType>(elementType))
    code = c.bitsAnd(c.cast(x, c.integer(32)), (1 << integer.getWidth()) - 1);
  else if (isa<Float8E8M0FNUType>(elementType))
    code = encodeExponent(c, c.cast(x, c.f32()), rounding);
  else
    code = encode(c, c.cast(x, c.f32()), Format(cast<FloatType>(elementType)), rounding.saturates);
  return bitcast(c, c.cast(code, c.u8()), elementType);
}

} // namespace tenon::graph
