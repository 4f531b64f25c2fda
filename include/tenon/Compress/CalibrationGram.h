//===- CalibrationGram.h - X^T X of what layers are given -----------------===//
#ifndef TENON_COMPRESS_CALIBRATIONGRAM_H
#define TENON_COMPRESS_CALIBRATIONGRAM_H

#include "tenon/Compress/Numerics/Statistics.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tenon::compress {

/// The sum of x^T x over rows x of `depth` numbers, and what else InputStatistics has, in half its memory: rows are
/// summed in blocks of 256 in f32, blocks in f32. With AVX-512 some 50 GFLOP/s on a core. Rows with values that are
/// not finite, or larger than 1e15 in magnitude, are left out.
class GramMatrix {
public:
  GramMatrix() = default;
  explicit GramMatrix(int64_t depth)
      : size(depth), sums(size_t(depth * depth)), sum(size_t(depth)), absSum(size_t(depth)), absMax(size_t(depth)) {}

  /// Adds `count` rows, the first of `stride` numbers each.
  void add(const float *rows, int64_t count, int64_t stride);
  void merge(const GramMatrix &other);

  int64_t depth() const { return size; }
  int64_t rows() const { return numRows; }
  /// Element (i, j) of the sum.
  float at(int64_t i, int64_t j) const { return i <= j ? sums[size_t(i * size + j)] : sums[size_t(j * size + i)]; }
  float diagonal(int64_t i) const { return at(i, i); }
  /// As the numerics of weights take it: 8 * depth^2 bytes.
  InputStatistics statistics() const;

private:
  void addBlock(const float *const *rows, int64_t count);

  int64_t size = 0, numRows = 0;
  std::vector<float> sums; ///< the upper triangle
  std::vector<double> sum, absSum;
  std::vector<float> absMax;
};

/// How a convolution looks at its operand x [N, C, D1..Dr]. An element of a row is (channel of the group, tap), as ONNX
/// stores weights.
struct Window {
  std::vector<int64_t> kernel, strides, pads, dilations; ///< pads: all begins, then all ends
  int64_t groups = 1;
};

/// Adds the patches of x to one matrix for each group.
void addPatches(std::span<GramMatrix> grams, const float *x, std::span<const int64_t> dims, const Window &window);

} // namespace tenon::compress

#endif // TENON_COMPRESS_CALIBRATIONGRAM_H
