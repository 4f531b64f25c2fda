//===- Gemm.h - The inner loops of all contractions -----------------------===//
#ifndef TENON_LIB_REFERENCE_GEMM_H
#define TENON_LIB_REFERENCE_GEMM_H

#include <cstdint>

namespace tenon::reference {

/// c[i, j] += sum over p of a[i, p] * b[p, j], for an m x k, a k x n and an m x n matrix, row-major with the given row
/// strides. T is double, or uint64_t for integers that wrap.
template <typename T>
void gemm(int64_t m, int64_t n, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, T *c, int64_t ldc);

extern template void gemm(int64_t, int64_t, int64_t, const double *, int64_t, const double *, int64_t, double *,
                          int64_t);
extern template void gemm(int64_t, int64_t, int64_t, const uint64_t *, int64_t, const uint64_t *, int64_t, uint64_t *,
                          int64_t);

} // namespace tenon::reference

#endif // TENON_LIB_REFERENCE_GEMM_H
