//===- Mbarrier.h - The 64-bit word of an mbarrier ------------------------===//
#ifndef TENON_VGPU_MBARRIER_H
#define TENON_VGPU_MBARRIER_H

#include <cstdint>

namespace tenon::vgpu::detail {

/// A phase ends when no arrival is pending and no bytes are missing. The layout is opaque on a GPU; here: bit 0 the
/// phase's parity, 20 bits pending arrivals, 20 bits arrivals expected per phase, 23 bits of signed bytes.
struct MbarrierFields {
  unsigned phase, pending, expected;
  int64_t bytes;
};

inline constexpr unsigned kMaxArrivals = (1u << 20) - 1;
inline constexpr int64_t kMaxBytes = (1 << 20) - 1;

inline MbarrierFields decodeMbarrier(uint64_t word) {
  return {static_cast<unsigned>(word & 1), static_cast<unsigned>(word >> 1 & kMaxArrivals),
          static_cast<unsigned>(word >> 21 & kMaxArrivals), static_cast<int64_t>(word) >> 41};
}
inline uint64_t encodeMbarrier(const MbarrierFields &fields) {
  return fields.phase | static_cast<uint64_t>(fields.pending) << 1 | static_cast<uint64_t>(fields.expected) << 21 |
         static_cast<uint64_t>(fields.bytes) << 41;
}

} // namespace tenon::vgpu::detail

#endif // TENON_VGPU_MBARRIER_H
