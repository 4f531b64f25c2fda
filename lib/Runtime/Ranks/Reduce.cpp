//===- Reduce.cpp - Combining the tensors of ranks ------------------------===//
//
// Block by block in an array of the type that is computed in, so that the loops over elements become vector code.
//
//===----------------------------------------------------------------------===//
#include "Reduce.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace tenon::runtime {

namespace {

constexpr int64_t blockElements = 512;

/// The bits of an f32 as bf16, rounded to nearest even.
uint16_t toBF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value)
    return uint16_t((bits >> 16) | 0x40);
  return uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float fromBF16(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// The bits of an f32 as f16, rounded to nearest even.
uint16_t toF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = (bits >> 16) & 0x8000, x = bits & 0x7fffffff;
  if (x > 0x7f800000)
    return uint16_t(sign | 0x7e00);
  if (x >= 0x47800000) // 2^16 and more
    return uint16_t(sign | 0x7c00);
  if (x < 0x38800000) // less than 2^-14: adding 0.5 rounds to multiples of 2^-24
    return uint16_t(sign | (std::bit_cast<uint32_t>(std::bit_cast<float>(x) + 0.5f) - 0x3f000000));
  return uint16_t(sign | ((x + 0xc8000fff + ((x >> 13) & 1)) >> 13)); // exponents are 112 apart
}

float fromF16(uint16_t bits) {
  const uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = (bits >> 10) & 31, mantissa = bits & 0x3ff;
  if (exponent == 0)
    return std::bit_cast<float>(std::bit_cast<uint32_t>(float(mantissa) * 0x1p-24f) | sign);
  const uint32_t widened = exponent == 31 ? 0x7f800000 : (exponent + 112) << 23;
  return std::bit_cast<float>(sign | widened | (mantissa << 13));
}

/// How elements are kept, and what they are combined in.
template <typename T>
struct Plain {
  using Stored = T;
  using Computed = T;
  static T load(T value) { return value; }
  static T store(T value) { return value; }
};
struct BF16 {
  using Stored = uint16_t;
  using Computed = float;
  static float load(uint16_t bits) { return fromBF16(bits); }
  static uint16_t store(float value) { return toBF16(value); }
};
struct F16 {
  using Stored = uint16_t;
  using Computed = float;
  static float load(uint16_t bits) { return fromF16(bits); }
  static uint16_t store(float value) { return toF16(value); }
};
struct Bool {
  using Stored = uint8_t;
  using Computed = uint8_t;
  static uint8_t load(uint8_t value) { return value != 0; }
  static uint8_t store(uint8_t value) { return value; }
};

template <typename T>
T larger(T a, T b) {
  return b > a || b != b ? b : a;
}
template <typename T>
T smaller(T a, T b) {
  return b < a || b != b ? b : a;
}
template <typename T>
T add(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return T(std::make_unsigned_t<T>(a) + std::make_unsigned_t<T>(b));
  else
    return a + b;
}
template <typename T>
T multiply(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return T(uint64_t(a) * uint64_t(b)); // the low bits do not depend on the sign; small types would be promoted to int
  else
    return a * b;
}

template <typename Format, typename Combine>
void reduceBy(std::span<const char *const> sources, char *target, int64_t count, Combine combine) {
  using Stored = typename Format::Stored;
  typename Format::Computed block[blockElements];
  for (int64_t begin = 0; begin < count; begin += blockElements) {
    const int64_t length = std::min(blockElements, count - begin);
    for (size_t s = 0; s < sources.size(); ++s) {
      const Stored *source = reinterpret_cast<const Stored *>(sources[s]) + begin;
      for (int64_t i = 0; i < length; ++i)
        block[i] = s == 0 ? Format::load(source[i]) : combine(block[i], Format::load(source[i]));
    }
    Stored *to = reinterpret_cast<Stored *>(target) + begin;
    for (int64_t i = 0; i < length; ++i)
      to[i] = Format::store(block[i]);
  }
}

template <typename Format>
void reduceAs(plan::Reduction kind, std::span<const char *const> sources, char *target, int64_t count) {
  using T = typename Format::Computed;
  switch (kind) {
  case plan::Reduction::Sum:
    return reduceBy<Format>(sources, target, count, add<T>);
  case plan::Reduction::Prod:
    return reduceBy<Format>(sources, target, count, multiply<T>);
  case plan::Reduction::Min:
    return reduceBy<Format>(sources, target, count, smaller<T>);
  case plan::Reduction::Max:
    return reduceBy<Format>(sources, target, count, larger<T>);
  }
}

/// Of booleans, sums are or and products and.
plan::Reduction ofBooleans(plan::Reduction kind) {
  return kind == plan::Reduction::Sum    ? plan::Reduction::Max
         : kind == plan::Reduction::Prod ? plan::Reduction::Min
                                         : kind;
}

} // namespace

void reduce(plan::ElementType type, plan::Reduction kind, std::span<const char *const> sources, char *target,
            int64_t count) {
  using plan::ElementType;
  switch (type) {
  case ElementType::F32:
    return reduceAs<Plain<float>>(kind, sources, target, count);
  case ElementType::F64:
    return reduceAs<Plain<double>>(kind, sources, target, count);
  case ElementType::F16:
    return reduceAs<F16>(kind, sources, target, count);
  case ElementType::BF16:
    return reduceAs<BF16>(kind, sources, target, count);
  case ElementType::I8:
    return reduceAs<Plain<int8_t>>(kind, sources, target, count);
  case ElementType::I16:
    return reduceAs<Plain<int16_t>>(kind, sources, target, count);
  case ElementType::I32:
    return reduceAs<Plain<int32_t>>(kind, sources, target, count);
  case ElementType::I64:
    return reduceAs<Plain<int64_t>>(kind, sources, target, count);
  case ElementType::U8:
    return reduceAs<Plain<uint8_t>>(kind, sources, target, count);
  case ElementType::U16:
    return reduceAs<Plain<uint16_t>>(kind, sources, target, count);
  case ElementType::U32:
    return reduceAs<Plain<uint32_t>>(kind, sources, target, count);
  case ElementType::U64:
    return reduceAs<Plain<uint64_t>>(kind, sources, target, count);
  case ElementType::Bool:
    return reduceAs<Bool>(ofBooleans(kind), sources, target, count);
  default: // refused by the plan's verifier
    return;
  }
}

} // namespace tenon::runtime
