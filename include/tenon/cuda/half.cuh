//===- half.cuh - 16-bit floating point -----------------------------------===//
//
// half (IEEE binary16) and bfloat16, with arithmetic by conversion to float: +, -, *, / of float values that came from
// 16 bits, rounded to float and then to 16 bits, equal the correctly rounded result. The packed forms half2 and
// bfloat162 do two lanes in one instruction on a GPU.
//
// The toolkit's cuda_fp16.h is not used: it costs 20 ms per kernel.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_HALF_CUH
#define TENON_CUDA_HALF_CUH

#include "tenon/cuda/base.cuh"

namespace tenon::device {

/// The 16 bits of the half nearest to `value`, ties to even. PTX: cvt.rn.f16.f32. Any architecture.
TENON_DEVICE uint16_t halfBits(float value) {
#if TENON_GPU
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
#else
  return bitCast<uint16_t>(static_cast<_Float16>(value));
#endif
}
/// The value of a half's bits. PTX: cvt.f32.f16. Any architecture.
TENON_DEVICE float halfValue(uint16_t bits) {
#if TENON_GPU
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
#else
  return static_cast<float>(bitCast<_Float16>(bits));
#endif
}
/// The 16 bits of the bfloat16 nearest to `value`, ties to even. PTX: cvt.rn.bf16.f32, from sm_80.
TENON_DEVICE uint16_t bfloat16Bits(float value) {
#if TENON_GPU
  uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
#else
  uint32_t wide = bitCast<uint32_t>(value);
  if ((wide & 0x7fffffffu) > 0x7f800000u)
    return 0x7fff; // what the instruction makes of every NaN
  return static_cast<uint16_t>((wide + 0x7fffu + ((wide >> 16) & 1)) >> 16);
#endif
}
/// The value of a bfloat16's bits: a shift.
TENON_DEVICE float bfloat16Value(uint16_t bits) { return bitCast<float>(static_cast<uint32_t>(bits) << 16); }

/// IEEE binary16. Trivial: may lie in shared memory, unions and aligned vectors.
struct half {
  uint16_t bits;
  half() = default;
  TENON_DEVICE explicit half(float value) : bits(halfBits(value)) {}
  TENON_DEVICE explicit operator float() const { return halfValue(bits); }
  static TENON_DEVICE half fromBits(uint16_t bits) {
    half h;
    h.bits = bits;
    return h;
  }
};

/// The upper half of a float: 8 bits of exponent, 7 of fraction. Trivial, as half.
struct bfloat16 {
  uint16_t bits;
  bfloat16() = default;
  TENON_DEVICE explicit bfloat16(float value) : bits(bfloat16Bits(value)) {}
  TENON_DEVICE explicit operator float() const { return bfloat16Value(bits); }
  static TENON_DEVICE bfloat16 fromBits(uint16_t bits) {
    bfloat16 b;
    b.bits = bits;
    return b;
  }
};

#define TENON_FLOAT16_OPERATORS(T)                                                                                     \
  TENON_DEVICE T operator+(T a, T b) { return T(float(a) + float(b)); }                                                \
  TENON_DEVICE T operator-(T a, T b) { return T(float(a) - float(b)); }                                                \
  TENON_DEVICE T operator*(T a, T b) { return T(float(a) * float(b)); }                                                \
  TENON_DEVICE T operator/(T a, T b) { return T(float(a) / float(b)); }                                                \
  TENON_DEVICE T operator-(T a) { return T::fromBits(static_cast<uint16_t>(a.bits ^ 0x8000u)); }                       \
  TENON_DEVICE T &operator+=(T &a, T b) { return a = a + b; }                                                          \
  TENON_DEVICE T &operator-=(T &a, T b) { return a = a - b; }                                                          \
  TENON_DEVICE T &operator*=(T &a, T b) { return a = a * b; }                                                          \
  TENON_DEVICE T &operator/=(T &a, T b) { return a = a / b; }                                                          \
  TENON_DEVICE bool operator==(T a, T b) { return float(a) == float(b); }                                              \
  TENON_DEVICE bool operator!=(T a, T b) { return float(a) != float(b); }                                              \
  TENON_DEVICE bool operator<(T a, T b) { return float(a) < float(b); }                                                \
  TENON_DEVICE bool operator>(T a, T b) { return float(a) > float(b); }                                                \
  TENON_DEVICE bool operator<=(T a, T b) { return float(a) <= float(b); }                                              \
  TENON_DEVICE bool operator>=(T a, T b) { return float(a) >= float(b); }
TENON_FLOAT16_OPERATORS(half)
TENON_FLOAT16_OPERATORS(bfloat16)
#undef TENON_FLOAT16_OPERATORS

/// Two lanes in one register, x in the low half.
struct alignas(4) half2 {
  half x, y;
};
struct alignas(4) bfloat162 {
  bfloat16 x, y;
};
struct alignas(8) FloatPair {
  float x, y;
};

/// Rounds two floats into one register. PTX: cvt.rn.f16x2.f32 / cvt.rn.bf16x2.f32, from sm_80.
template <class Pair>
TENON_DEVICE Pair packPair(float x, float y);
template <>
TENON_DEVICE half2 packPair<half2>(float x, float y) {
#if TENON_GPU
  uint32_t bits;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(y), "f"(x)); // the first source is the high half
  return bitCast<half2>(bits);
#else
  return {half(x), half(y)};
#endif
}
template <>
TENON_DEVICE bfloat162 packPair<bfloat162>(float x, float y) {
#if TENON_GPU
  uint32_t bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(y), "f"(x));
  return bitCast<bfloat162>(bits);
#else
  return {bfloat16(x), bfloat16(y)};
#endif
}

/// The pair of a 16-bit type: PairOf<half>::type is half2.
template <class T>
struct PairOf;
template <>
struct PairOf<half> {
  using type = half2;
};
template <>
struct PairOf<bfloat16> {
  using type = bfloat162;
};

/// Both lanes as floats.
TENON_DEVICE FloatPair unpackPair(half2 v) { return {float(v.x), float(v.y)}; }
TENON_DEVICE FloatPair unpackPair(bfloat162 v) { return {float(v.x), float(v.y)}; }

/// a * b + c, a single rounding per lane. PTX: fma.rn.f16x2 (any architecture), fma.rn.bf16x2 (from sm_80).
TENON_DEVICE half2 fmaPair(half2 a, half2 b, half2 c) {
#if TENON_GPU
  uint32_t d;
  asm("fma.rn.f16x2 %0, %1, %2, %3;"
      : "=r"(d)
      : "r"(bitCast<uint32_t>(a)), "r"(bitCast<uint32_t>(b)), "r"(bitCast<uint32_t>(c)));
  return bitCast<half2>(d);
#else
  // The product is exact in float; half(float) after one float addition differs from fma only in double rounding ties.
  return {half(float(a.x) * float(b.x) + float(c.x)), half(float(a.y) * float(b.y) + float(c.y))};
#endif
}
TENON_DEVICE bfloat162 fmaPair(bfloat162 a, bfloat162 b, bfloat162 c) {
#if TENON_GPU
  uint32_t d;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;"
      : "=r"(d)
      : "r"(bitCast<uint32_t>(a)), "r"(bitCast<uint32_t>(b)), "r"(bitCast<uint32_t>(c)));
  return bitCast<bfloat162>(d);
#else
  return {bfloat16(float(a.x) * float(b.x) + float(c.x)), bfloat16(float(a.y) * float(b.y) + float(c.y))};
#endif
}
/// Lane by lane, by fmaPair: one instruction each.
TENON_DEVICE half2 addPair(half2 a, half2 b) { return fmaPair(a, half2{half(1.0f), half(1.0f)}, b); }
TENON_DEVICE bfloat162 addPair(bfloat162 a, bfloat162 b) {
  return fmaPair(a, bfloat162{bfloat16(1.0f), bfloat16(1.0f)}, b);
}
/// Minus zero keeps the sign of a zero product.
TENON_DEVICE half2 mulPair(half2 a, half2 b) { return fmaPair(a, b, half2{half(-0.0f), half(-0.0f)}); }
TENON_DEVICE bfloat162 mulPair(bfloat162 a, bfloat162 b) {
  return fmaPair(a, b, bfloat162{bfloat16(-0.0f), bfloat16(-0.0f)});
}
/// The larger of each lane; a NaN in either lane stays. PTX: max.NaN.f16x2 / max.NaN.bf16x2, from sm_80.
TENON_DEVICE half2 maxPair(half2 a, half2 b) {
#if TENON_GPU
  uint32_t d;
  asm("max.NaN.f16x2 %0, %1, %2;" : "=r"(d) : "r"(bitCast<uint32_t>(a)), "r"(bitCast<uint32_t>(b)));
  return bitCast<half2>(d);
#else
  return {a.x > b.x || a.x != a.x ? a.x : b.x, a.y > b.y || a.y != a.y ? a.y : b.y};
#endif
}
TENON_DEVICE bfloat162 maxPair(bfloat162 a, bfloat162 b) {
#if TENON_GPU
  uint32_t d;
  asm("max.NaN.bf16x2 %0, %1, %2;" : "=r"(d) : "r"(bitCast<uint32_t>(a)), "r"(bitCast<uint32_t>(b)));
  return bitCast<bfloat162>(d);
#else
  return {a.x > b.x || a.x != a.x ? a.x : b.x, a.y > b.y || a.y != a.y ? a.y : b.y};
#endif
}

} // namespace tenon::device

#endif // TENON_CUDA_HALF_CUH
