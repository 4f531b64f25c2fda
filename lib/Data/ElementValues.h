//===- ElementValues.h - Elements as numbers ------------------------------===//
#ifndef TENON_LIB_DATA_ELEMENTVALUES_H
#define TENON_LIB_DATA_ELEMENTVALUES_H

#include "tenon/Runtime/Tensor.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace tenon::data {

/// Whether loadNumber knows the type: all up to bool.
inline bool isNumber(ElementType type) { return type <= ElementType::Bool; }

/// The value of a half: sign, 5 bits of exponent, 10 of fraction.
inline double halfToDouble(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent == 31
                     ? (fraction ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity())
                 : exponent == 0 ? std::ldexp(fraction, -24)
                                 : std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -value : value;
}

/// Element i as a number.
inline double loadNumber(const runtime::Tensor &tensor, int64_t i) {
  switch (tensor.type) {
  case ElementType::F32:
    return double(tensor.as<float>()[i]);
  case ElementType::F64:
    return tensor.as<double>()[i];
  case ElementType::F16:
    return halfToDouble(tensor.as<uint16_t>()[i]);
  case ElementType::BF16: {
    const uint32_t bits = uint32_t(tensor.as<uint16_t>()[i]) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return double(value);
  }
  case ElementType::I8:
    return tensor.as<int8_t>()[i];
  case ElementType::I16:
    return tensor.as<int16_t>()[i];
  case ElementType::I32:
    return tensor.as<int32_t>()[i];
  case ElementType::I64:
    return double(tensor.as<int64_t>()[i]);
  case ElementType::U16:
    return tensor.as<uint16_t>()[i];
  case ElementType::U32:
    return tensor.as<uint32_t>()[i];
  case ElementType::U64:
    return double(tensor.as<uint64_t>()[i]);
  default:
    return tensor.as<uint8_t>()[i];
  }
}

} // namespace tenon::data

#endif // TENON_LIB_DATA_ELEMENTVALUES_H
