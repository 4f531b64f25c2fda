//===- TensorMap.h - How the virtual GPU lays out a tensor map ------------===//
#ifndef TENON_VGPU_TENSORMAP_H
#define TENON_VGPU_TENSORMAP_H

#include <cstddef>
#include <cstdint>

namespace tenon::vgpu::detail {

/// What encodeTensorMap() writes into the 128 opaque bytes that kernels pass around.
struct TensorMap {
  static constexpr uint32_t kMagic = 0x504d5456; // "VTMP"
  uint32_t magic;
  uint8_t rank, elementBytes, swizzleBits, fillByte;
  unsigned char *base;
  uint64_t extents[5]; ///< elements, innermost first; 1 beyond the rank
  uint64_t strides[5]; ///< bytes
  uint16_t box[5];     ///< elements; 1 beyond the rank

  unsigned rowBytes() const { return box[0] * elementBytes; }
  unsigned rows() const { return box[1] * box[2] * box[3] * box[4]; }
  unsigned boxBytes() const { return rowBytes() * rows(); }
};
static_assert(sizeof(TensorMap) <= 128, "a tensor map has 128 bytes");

/// Xors the lowest `bits` of the address bits that count 16-byte chunks with those that count 128-byte lines: 3 bits
/// for a 128-byte swizzle, 2 for 64, 1 for 32.
inline uint32_t swizzled(uint32_t address, unsigned bits) {
  return address ^ ((address >> 7 & ((1u << bits) - 1)) << 4);
}

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_TENSORMAP_H
