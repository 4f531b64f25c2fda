//===- ElementwiseReference.h - Reference values that need a function -----===//
//
// What the rows of UnaryOps.td and BinaryOps.td cannot say in one expression, over T = double, int64_t or uint64_t.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_IR_ELEMENTWISEREFERENCE_H
#define GRAPH_IR_ELEMENTWISEREFERENCE_H

#include <cmath>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace tenon::graph {

/// x / y; integers truncate, wrap, and give 0 for y = 0.
template <typename T>
T referenceDivide(T x, T y) {
  if constexpr (!std::is_integral_v<T>)
    return x / y;
  else if constexpr (std::is_signed_v<T>)
    return y == 0 ? 0 : y == -1 ? static_cast<T>(0 - static_cast<uint64_t>(x)) : x / y;
  else
    return y == 0 ? 0 : x / y;
}

/// The rest of x / y, with the sign of x or of y; 0 for integers and y = 0.
template <typename T>
T referenceRemainder(T x, T y, bool hasSignOfX) {
  if constexpr (!std::is_integral_v<T>) {
    T rest = std::fmod(x, y);
    return !hasSignOfX && rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
  } else {
    if (y == 0 || y == static_cast<T>(-1))
      return y == 0 || std::is_signed_v<T> ? 0 : x % y;
    T rest = x % y;
    return !hasSignOfX && rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
  }
}

/// x ^ y; integers wrap, and truncate where y is negative.
template <typename T>
T referencePower(T x, T y) {
  if constexpr (!std::is_integral_v<T>) {
    return std::pow(x, y);
  } else {
    if (y < 0)
      return x == 1 ? 1 : x == static_cast<T>(-1) ? (y & 1 ? x : 1) : 0;
    uint64_t result = 1, base = static_cast<uint64_t>(x);
    for (auto exponent = static_cast<uint64_t>(y); exponent; exponent >>= 1, base *= base)
      result *= exponent & 1 ? base : 1;
    return static_cast<T>(result);
  }
}

template <typename T, typename Fn>
T referenceBits(T x, T y, Fn fn) {
  return static_cast<T>(fn(static_cast<uint64_t>(x), static_cast<uint64_t>(y)));
}

/// x shifted by y bits, all of them where y is negative. (Bits above a narrower type's width are cut off when stored.)
template <typename T>
T referenceShift(T x, T y, bool left) {
  auto count = static_cast<uint64_t>(y);
  if (left)
    return static_cast<T>(count >= 64 ? 0 : static_cast<uint64_t>(x) << count);
  if constexpr (std::is_signed_v<T> && std::is_integral_v<T>)
    return x >> (count >= 64 ? 63 : count);
  return static_cast<T>(count >= 64 ? 0 : static_cast<uint64_t>(x) >> count);
}

} // namespace tenon::graph

#endif // GRAPH_IR_ELEMENTWISEREFERENCE_H
