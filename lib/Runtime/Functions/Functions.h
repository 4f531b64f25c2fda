//===- Functions.h - Functions of the runtime that kernels may call -------===//
//
// What would be a poor loop nest (selection, factorisation) is a function of the runtime library, with the calling
// convention of a kernel (tenon/Runtime/CpuKernel.h). A kernel imports it by name; the loader resolves names from this
// table and refuses every other. `params` here are the numbers that each function lists. None fails, allocates or
// throws.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_FUNCTIONS_FUNCTIONS_H
#define TENON_LIB_RUNTIME_FUNCTIONS_FUNCTIONS_H

#include "tenon/Runtime/CpuKernel.h"

#include <string_view>

extern "C" {

/// The k largest (or smallest) elements along an axis, the best first; of equal ones the first. NaN counts as larger
/// than every number. O(n log k). A group is one row along the axis.
///   buffers  x [outer, n, inner], values [outer, k, inner], indices i64 [outer, k, inner]
///   params   n, inner, k <= n, ElementType of x, whether the largest are wanted
///   scratch  16 k bytes
void tenon_top_k(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch);

/// Determinants, by elimination with the largest pivot of each column, in double. A group is one matrix.
///   buffers  x [groups, m, m], y [groups]
///   params   m, ElementType of both: F32 or F64
///   scratch  8 m^2 bytes
void tenon_determinant(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch);

/// Discrete Fourier transforms along an axis: y[k] = sum over n of x[n] e^(-2 pi i k n / N); inverse ones have the
/// other sign and are divided by N. x is cut or filled with zeros. Of a real result, x is the first half (N/2 + 1) of
/// what has a conjugate second half. O(N log N). A group is one row along the axis.
///   buffers  x [outer, extent, inner, parts], y [outer, K, inner, result parts]; parts: 1 (real) or 2
///   params   extent, inner, N >= 1, K <= N, parts, result parts, whether inverse, ElementType of both: F32 or F64
///   scratch  36 N numbers of that type
void tenon_fourier(void *const *buffers, const int64_t *params, int64_t begin, int64_t end, void *scratch);
}

namespace tenon::runtime {

/// The function of this name, or null.
TenonCpuKernel findLibraryFunction(std::string_view name);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_FUNCTIONS_FUNCTIONS_H
