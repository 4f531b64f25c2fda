//===- Gemm.cpp - The inner loops of all contractions ---------------------===//
//
// Four rows of the result at a time over a block of columns that stays in the first-level cache. The sum over p runs in
// order for every element, so that the result does not depend on the block sizes.
//
//===----------------------------------------------------------------------===//
#include "Gemm.h"

#include <algorithm>

namespace tenon::reference {

static constexpr int64_t rowBlock = 4, columnBlock = 64, depthBlock = 256;

template <typename T>
static void fourRows(int64_t n, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, T *__restrict c0,
                     T *__restrict c1, T *__restrict c2, T *__restrict c3) {
  for (int64_t p = 0; p < k; ++p) {
    const T *row = b + p * ldb;
    T x0 = a[p], x1 = a[lda + p], x2 = a[2 * lda + p], x3 = a[3 * lda + p];
    for (int64_t j = 0; j < n; ++j) {
      c0[j] += x0 * row[j];
      c1[j] += x1 * row[j];
      c2[j] += x2 * row[j];
      c3[j] += x3 * row[j];
    }
  }
}

template <typename T>
static void oneRow(int64_t n, int64_t k, const T *a, const T *b, int64_t ldb, T *__restrict c) {
  for (int64_t p = 0; p < k; ++p)
    for (int64_t j = 0; j < n; ++j)
      c[j] += a[p] * b[p * ldb + j];
}

template <typename T>
void gemm(int64_t m, int64_t n, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, T *c, int64_t ldc) {
  for (int64_t j = 0; j < n; j += columnBlock) {
    int64_t columns = std::min(columnBlock, n - j);
    for (int64_t p = 0; p < k; p += depthBlock) {
      int64_t depth = std::min(depthBlock, k - p);
      const T *block = b + p * ldb + j;
      int64_t i = 0;
      for (; i + rowBlock <= m; i += rowBlock) {
        T *row = c + i * ldc + j;
        fourRows(columns, depth, a + i * lda + p, lda, block, ldb, row, row + ldc, row + 2 * ldc, row + 3 * ldc);
      }
      for (; i < m; ++i)
        oneRow(columns, depth, a + i * lda + p, block, ldb, c + i * ldc + j);
    }
  }
}

template void gemm(int64_t, int64_t, int64_t, const double *, int64_t, const double *, int64_t, double *, int64_t);
template void gemm(int64_t, int64_t, int64_t, const uint64_t *, int64_t, const uint64_t *, int64_t, uint64_t *,
                   int64_t);

} // namespace tenon::reference
