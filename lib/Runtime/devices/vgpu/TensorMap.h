//===- TensorMap.h - How the virtual GPU lays out a tensor map ------------===//
#ifndef TENON_VGPU_TENSORMAP_H
#define TENON_VGPU_TENSORMAP_H

#include <cstdint>

namespace tenon::vgpu::detail {

/// What encodeTensorMap() writes into the 128 opaque bytes that kernels pass around.
struct TensorMap {
  static constexpr uint32_t kMagic = 0x504d5456; // "VTMP"
  uint32_t magic;
  uint8_t rank, elementBytes, swizzle, fillNaN;
  const unsigned char *base;
  uint32_t extents[5];     ///< elements, innermost first
  uint64_t strides[4];     ///< bytes, of dimensions 1 to 4
  uint16_t box[5];         ///< elements
  uint8_t elementSteps[5]; ///< the box takes every so many-th element
};
static_assert(sizeof(TensorMap) <= 128, "a tensor map has 128 bytes");

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_TENSORMAP_H
