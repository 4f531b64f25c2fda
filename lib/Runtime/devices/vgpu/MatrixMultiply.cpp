//===- MatrixMultiply.cpp - The product of a wgmma ------------------------===//
#include "MatrixMultiply.h"

namespace tenon::vgpu::detail {

/// Columns are the inner loop: it becomes vector code, in the order of sums that a scalar loop has.
static inline __attribute__((always_inline)) void multiply(const float *a, const float *b, float *c, unsigned n) {
  static constexpr unsigned kDepth = 16, kRows = 64, kStep = 64;
  alignas(64) float columns[kDepth][256];
  for (unsigned j = 0; j < n; ++j)
    for (unsigned k = 0; k < kDepth; ++k)
      columns[k][j] = b[j * kDepth + k];
  for (unsigned j = 0; j < n; j += kStep)
    for (unsigned i = 0; i < kRows; ++i) {
      float sums[kStep] = {};
      for (unsigned k = 0; k < kDepth; ++k)
        for (unsigned s = 0; s < kStep; ++s)
          sums[s] += a[i * kDepth + k] * columns[k][j + s];
      memcpy(c + i * n + j, sums, sizeof sums);
    }
}

__attribute__((target("avx2,fma"))) static void multiplyAvx2(const float *a, const float *b, float *c, unsigned n) {
  multiply(a, b, c, n);
}

void multiply64(const float *a, const float *b, float *c, unsigned n) {
  static const bool hasAvx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (hasAvx2)
    multiplyAvx2(a, b, c, n);
  else
    multiply(a, b, c, n);
}

} // namespace tenon::vgpu::detail
