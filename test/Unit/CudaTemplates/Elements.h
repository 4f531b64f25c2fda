//===- Elements.h - Device memory of float, half or bfloat16 ---------------===//
#ifndef TENON_TEST_CUDATEMPLATES_ELEMENTS_H
#define TENON_TEST_CUDATEMPLATES_ELEMENTS_H

#include "TestDevice.h"

#include <algorithm>

namespace tenon::test {

enum class Type { Float, Half, Bfloat16 };
inline size_t bytesOf(Type type) { return type == Type::Float ? 4 : 2; }

/// Elements of one type; values are small multiples of 1/8, exact in all of them.
struct Elements {
  Type type;
  Buffer<unsigned char> bytes;
  Elements(Type type, int64_t count) : type(type), bytes(std::max<int64_t>(count, 1) * bytesOf(type)) {}
  void set(int64_t i, float value) {
    if (type == Type::Float)
      reinterpret_cast<float *>(bytes.data())[i] = value;
    else
      reinterpret_cast<uint16_t *>(bytes.data())[i] = type == Type::Half ? toHalf(value) : toBfloat16(value);
  }
  float get(int64_t i) {
    if (type == Type::Float)
      return reinterpret_cast<float *>(bytes.data())[i];
    uint16_t bits = reinterpret_cast<uint16_t *>(bytes.data())[i];
    return type == Type::Half ? fromHalf(bits) : fromBfloat16(bits);
  }
};

/// How far a result of the type may be off, relative to 1 + |x|, where products and sums are exact in float.
inline double toleranceOf(Type type) { return type == Type::Float ? 1e-6 : type == Type::Half ? 1e-3 : 8e-3; }

/// What a kernel may access, as LaunchOptions wants it.
inline std::vector<vgpu::MemoryRange> sortedMemory(std::vector<vgpu::MemoryRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto &a, const auto &b) { return a.base < b.base; });
  return ranges;
}

} // namespace tenon::test

#endif // TENON_TEST_CUDATEMPLATES_ELEMENTS_H
