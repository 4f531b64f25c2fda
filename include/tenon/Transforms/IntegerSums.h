//===- IntegerSums.h - Sums of products of integers that i32 holds --------===//
#ifndef TENON_TRANSFORMS_INTEGERSUMS_H
#define TENON_TRANSFORMS_INTEGERSUMS_H

#include <cstdint>
#include <limits>

namespace tenon {

/// Whether i32 holds each sum of `depth` products x * w with |x| <= largestX and |w| <= largestW. Unless told, those of
/// codes of 8 bits less their zero point, and of signed weights without one. False for a depth below 0: not known.
constexpr bool holdsIntegerSum(int64_t depth, int64_t largestX = 255, int64_t largestW = 128) {
  const int64_t product = largestX * largestW;
  return depth >= 0 && (product == 0 || depth <= std::numeric_limits<int32_t>::max() / product);
}

} // namespace tenon

#endif // TENON_TRANSFORMS_INTEGERSUMS_H
