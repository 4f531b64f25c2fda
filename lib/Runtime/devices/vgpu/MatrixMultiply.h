//===- MatrixMultiply.h - Elements and products of tensor cores -----------===//
#ifndef TENON_VGPU_MATRIXMULTIPLY_H
#define TENON_VGPU_MATRIXMULTIPLY_H

#include "tenon/cuda/emulator_abi.cuh"

#include <cstdint>
#include <cstring>

namespace tenon::vgpu::detail {

inline float fromBits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The value of an IEEE binary16.
inline float halfValue(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00) // infinity, NaN
    return fromBits(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  // Exponents differ by 127 - 15; a multiplication also gets subnormals right.
  return fromBits(sign | magnitude << 13) * fromBits(0x77800000); // 2^112
}
/// The value of the low 16 bits of `bits`.
inline float elementValue(ElementKind kind, uint32_t bits) {
  return kind == ElementKind::BF16 ? fromBits(bits << 16) : halfValue(static_cast<uint16_t>(bits));
}
/// Tensor cores ignore the low 13 bits.
inline float tf32Value(uint32_t bits) { return fromBits(bits & ~0x1fffu); }

/// c[i][j] = sum over k of a[i][k] * b[j][k], with 64 rows, n columns (a multiple of 64, at most 256) and depth 16.
void multiply64(const float *a, const float *b, float *c, unsigned n);

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_MATRIXMULTIPLY_H
