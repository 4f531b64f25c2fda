//===- Checked.h - 64-bit arithmetic that notices overflow ----------------===//
#ifndef TENON_PLAN_CHECKED_H
#define TENON_PLAN_CHECKED_H

#include <cstdint>
#include <optional>

namespace tenon {

/// a + b, or nothing on overflow.
template <typename T>
std::optional<T> checkedAdd(T a, T b) {
  T result;
  return __builtin_add_overflow(a, b, &result) ? std::nullopt : std::optional<T>(result);
}

/// a - b, or nothing on overflow.
template <typename T>
std::optional<T> checkedSub(T a, T b) {
  T result;
  return __builtin_sub_overflow(a, b, &result) ? std::nullopt : std::optional<T>(result);
}

/// a * b, or nothing on overflow.
template <typename T>
std::optional<T> checkedMul(T a, T b) {
  T result;
  return __builtin_mul_overflow(a, b, &result) ? std::nullopt : std::optional<T>(result);
}

/// Whether [offset, offset + length) lies inside [0, size).
constexpr bool inRange(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

/// `value` rounded up to a multiple of `alignment`, a power of two; the caller knows that it does not overflow.
template <typename T>
constexpr T alignUp(T value, T alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

} // namespace tenon

#endif // TENON_PLAN_CHECKED_H
