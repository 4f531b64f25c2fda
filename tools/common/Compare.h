//===- Compare.h - How far two tensors are apart --------------------------===//
#ifndef TENON_TOOLS_COMMON_COMPARE_H
#define TENON_TOOLS_COMMON_COMPARE_H

#include "tenon/Runtime/Tensor.h"

namespace tenon::tools {

/// The difference of a tensor `a` from the expected `b`.
struct Difference {
  /// max|a - b| / max|b| over the elements that are finite in both (max|a - b| where all of b is 0). Infinite where one
  /// is NaN or infinite and the other is not the same. Integers and booleans: 0 if equal, else infinite.
  double relative = 0;
  double absolute = 0;            ///< max|a - b|
  int64_t mismatches = 0;         ///< elements that differ at all
  int64_t worst = -1;             ///< row-major index of the worst element, -1 where all are equal
  double found = 0, expected = 0; ///< there
  std::string problem;            ///< not empty: type or extents differ
};

Difference compare(const runtime::Tensor &a, const runtime::Tensor &b);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_COMPARE_H
