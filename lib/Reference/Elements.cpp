//===- Elements.cpp - Loads and stores of single elements -----------------===//
//
// The only place that knows how an element type is laid out in memory. Doubles are rounded to f16 and bf16 directly:
// a detour over float would round twice.
//
//===----------------------------------------------------------------------===//
#include "tenon/Reference/Tensor.h"
#include "llvm/ADT/APFloat.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace tenon;
using namespace tenon::reference;

namespace {

template <typename T>
T loadAs(const char *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void storeAs(char *data, int64_t index, T value) {
  std::memcpy(data + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

/// A 16-bit float with these field widths, as a double.
template <int exponentBits, int mantissaBits>
double expandSmallFloat(uint16_t bits) {
  constexpr int bias = (1 << (exponentBits - 1)) - 1, maxExponent = (1 << exponentBits) - 1;
  int exponent = (bits >> mantissaBits) & maxExponent;
  int mantissa = bits & ((1 << mantissaBits) - 1);
  double magnitude;
  if (exponent == maxExponent)
    magnitude = mantissa ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(mantissa, 1 - bias - mantissaBits);
  else
    magnitude = std::ldexp(mantissa + (1 << mantissaBits), exponent - bias - mantissaBits);
  return bits >> 15 ? -magnitude : magnitude;
}

/// The nearest 16-bit float, ties to even; overflow gives infinity.
template <int exponentBits, int mantissaBits>
uint16_t roundToSmallFloat(double value) {
  constexpr int bias = (1 << (exponentBits - 1)) - 1, maxExponent = (1 << exponentBits) - 1;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value))
    return static_cast<uint16_t>(sign | (maxExponent << mantissaBits) | (1 << (mantissaBits - 1)));
  if (std::isinf(value))
    return static_cast<uint16_t>(sign | (maxExponent << mantissaBits));
  if (magnitude == 0)
    return sign;
  // In units of the last place, an integer after rounding; a carry runs into the exponent field by itself.
  int exponent = std::max(std::ilogb(magnitude), 1 - bias);
  auto units = static_cast<uint64_t>(std::nearbyint(std::ldexp(magnitude, mantissaBits - exponent)));
  uint64_t bits = (static_cast<uint64_t>(exponent + bias - 1) << mantissaBits) + units;
  constexpr uint64_t infinity = static_cast<uint64_t>(maxExponent) << mantissaBits;
  return static_cast<uint16_t>(sign | std::min(bits, infinity));
}

/// The format of a float of 8 or 4 bits; null for other types.
const llvm::fltSemantics *getNarrowFormat(ElementType type) {
  switch (type) {
  case ElementType::F8E4M3FN:
    return &llvm::APFloat::Float8E4M3FN();
  case ElementType::F8E4M3FNUZ:
    return &llvm::APFloat::Float8E4M3FNUZ();
  case ElementType::F8E5M2:
    return &llvm::APFloat::Float8E5M2();
  case ElementType::F8E5M2FNUZ:
    return &llvm::APFloat::Float8E5M2FNUZ();
  case ElementType::F4E2M1:
    return &llvm::APFloat::Float4E2M1FN();
  case ElementType::F8E8M0:
    return &llvm::APFloat::Float8E8M0FNU();
  default:
    return nullptr;
  }
}

double expandNarrowFloat(const llvm::fltSemantics &format, uint8_t bits) {
  const unsigned width = llvm::APFloat::semanticsSizeInBits(format);
  return llvm::APFloat(format, llvm::APInt(width, bits, false, /*implicitTrunc=*/true)).convertToDouble();
}

/// The nearest number, ties to even; overflow gives infinity, or NaN. Floats of 4 bits have neither: they saturate, and
/// NaN becomes -0.
uint8_t roundToNarrowFloat(const llvm::fltSemantics &format, double value) {
  if (&format == &llvm::APFloat::Float4E2M1FN()) {
    const double largest = llvm::APFloat::getLargest(format).convertToDouble();
    value = std::isnan(value) ? -0.0 : std::clamp(value, -largest, largest);
  }
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(format, llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return static_cast<uint8_t>(number.bitcastToAPInt().getZExtValue());
}

/// Bits of an integer of 4 or 2.
constexpr int narrowWidth(ElementType type) { return type == ElementType::U4 || type == ElementType::I4 ? 4 : 2; }

/// `value` truncated to T; outside of the range the nearest end, NaN 0.
template <typename T>
T saturate(double value) {
  if (std::isnan(value))
    return 0;
  constexpr double lowest = static_cast<double>(std::numeric_limits<T>::min());
  constexpr double beyond = static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2;
  if (value <= lowest)
    return std::numeric_limits<T>::min();
  if (value >= beyond)
    return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

} // namespace

double reference::loadDouble(ElementType type, const char *data, int64_t index) {
  switch (type) {
  case ElementType::F32:
    return loadAs<float>(data, index);
  case ElementType::F64:
    return loadAs<double>(data, index);
  case ElementType::F16:
    return expandSmallFloat<5, 10>(loadAs<uint16_t>(data, index));
  case ElementType::BF16:
    return expandSmallFloat<8, 7>(loadAs<uint16_t>(data, index));
  case ElementType::U64:
    return static_cast<double>(loadAs<uint64_t>(data, index));
  default:
    if (const llvm::fltSemantics *format = getNarrowFormat(type))
      return expandNarrowFloat(*format, loadAs<uint8_t>(data, index));
    return static_cast<double>(loadInteger(type, data, index));
  }
}

int64_t reference::loadInteger(ElementType type, const char *data, int64_t index) {
  switch (type) {
  case ElementType::I8:
    return loadAs<int8_t>(data, index);
  case ElementType::I16:
    return loadAs<int16_t>(data, index);
  case ElementType::I32:
    return loadAs<int32_t>(data, index);
  case ElementType::I64:
  case ElementType::U64:
    return loadAs<int64_t>(data, index);
  case ElementType::U8:
    return loadAs<uint8_t>(data, index);
  case ElementType::U16:
    return loadAs<uint16_t>(data, index);
  case ElementType::U32:
    return loadAs<uint32_t>(data, index);
  case ElementType::Bool:
    return loadAs<uint8_t>(data, index) != 0;
  case ElementType::U4:
  case ElementType::U2:
    return loadAs<uint8_t>(data, index) & ((1 << narrowWidth(type)) - 1);
  case ElementType::I4:
  case ElementType::I2: {
    const int rest = 8 - narrowWidth(type);
    return static_cast<int8_t>(loadAs<uint8_t>(data, index) << rest) >> rest;
  }
  default:
    return saturate<int64_t>(loadDouble(type, data, index));
  }
}

void reference::storeDouble(ElementType type, char *data, int64_t index, double value) {
  switch (type) {
  case ElementType::F32:
    return storeAs(data, index, static_cast<float>(value));
  case ElementType::F64:
    return storeAs(data, index, value);
  case ElementType::F16:
    return storeAs(data, index, roundToSmallFloat<5, 10>(value));
  case ElementType::BF16:
    return storeAs(data, index, roundToSmallFloat<8, 7>(value));
  case ElementType::I8:
    return storeAs(data, index, saturate<int8_t>(value));
  case ElementType::I16:
    return storeAs(data, index, saturate<int16_t>(value));
  case ElementType::I32:
    return storeAs(data, index, saturate<int32_t>(value));
  case ElementType::I64:
    return storeAs(data, index, saturate<int64_t>(value));
  case ElementType::U8:
    return storeAs(data, index, saturate<uint8_t>(value));
  case ElementType::U16:
    return storeAs(data, index, saturate<uint16_t>(value));
  case ElementType::U32:
    return storeAs(data, index, saturate<uint32_t>(value));
  case ElementType::U64:
    return storeAs(data, index, saturate<uint64_t>(value));
  case ElementType::Bool:
    return storeAs<uint8_t>(data, index, value != 0);
  default: {
    if (const llvm::fltSemantics *format = getNarrowFormat(type))
      return storeAs(data, index, roundToNarrowFloat(*format, value));
    const int width = narrowWidth(type);
    const bool hasSign = type == ElementType::I4 || type == ElementType::I2;
    const double low = hasSign ? -(1 << (width - 1)) : 0, high = low + (1 << width) - 1;
    return storeInteger(type, data, index, saturate<int8_t>(std::isnan(value) ? 0 : std::clamp(value, low, high)));
  }
  }
}

void reference::storeInteger(ElementType type, char *data, int64_t index, int64_t value) {
  switch (type) {
  case ElementType::F32:
    return storeAs(data, index, static_cast<float>(value));
  case ElementType::F64:
  case ElementType::F16:
  case ElementType::BF16:
    // Exact for every integer that the 16-bit types can tell apart.
    return storeDouble(type, data, index, static_cast<double>(value));
  case ElementType::I8:
  case ElementType::U8:
    return storeAs(data, index, static_cast<uint8_t>(value));
  case ElementType::I16:
  case ElementType::U16:
    return storeAs(data, index, static_cast<uint16_t>(value));
  case ElementType::I32:
  case ElementType::U32:
    return storeAs(data, index, static_cast<uint32_t>(value));
  case ElementType::I64:
  case ElementType::U64:
    return storeAs(data, index, value);
  case ElementType::Bool:
    return storeAs<uint8_t>(data, index, value != 0);
  default:
    if (getNarrowFormat(type))
      return storeDouble(type, data, index, static_cast<double>(value));
    return storeAs(data, index, static_cast<uint8_t>(value & ((1 << narrowWidth(type)) - 1)));
  }
}
