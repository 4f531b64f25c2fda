//===- ExactSums.h - Sums of integers that f32, or i32, holds exactly -----===//
#ifndef TENON_LIB_TRANSFORMS_QUANTIZATION_EXACTSUMS_H
#define TENON_LIB_TRANSFORMS_QUANTIZATION_EXACTSUMS_H

#include "mlir/IR/Value.h"

namespace tenon {

/// An operand of an integer product; `zero` may be null.
struct IntegerFactor {
  mlir::Value codes, zero;
};

/// Where the numbers that one element of the result sums up lie in w: in runs (weights of a convolution [M, ..], of a
/// product [.., N, K]), or one in each row (of a product [.., K, N]).
enum class WeightOrder { Runs, Columns };

/// The most steps along a reduction of `depth` products of x and w whose sum is exact in f32, in any order and fused or
/// not; `depth` or more if all are. A sum of integers within 2^24 is.
int64_t countExactSteps(const IntegerFactor &x, const IntegerFactor &w, int64_t depth, WeightOrder order);

/// Whether i32 holds the sum of `depth` products of x and w, whatever is not constant; false for a depth below 0, which
/// is not known.
bool holdsInteger32(const IntegerFactor &x, const IntegerFactor &w, int64_t depth, WeightOrder order);

} // namespace tenon

#endif // TENON_LIB_TRANSFORMS_QUANTIZATION_EXACTSUMS_H
