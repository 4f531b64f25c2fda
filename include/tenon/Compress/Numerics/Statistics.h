//===- Statistics.h - What a layer needs to know about its inputs ---------===//
//
// Gathered from the rows x of the activations X [n, in] that a layer y = W x sees, a batch at a time, in one pass: the
// second moments H = X^T X, in which the squared error of the layer's output is exact for every change of W (see
// LayerError.h), and the first moments and extremes that scaling and bias correction use.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_STATISTICS_H
#define TENON_COMPRESS_NUMERICS_STATISTICS_H

#include "tenon/Compress/Numerics/Matrix.h"

namespace tenon::compress {

/// Moments of the inputs of one layer. Not thread-safe; parts of a data set may be gathered apart and merged.
struct InputStatistics {
  int64_t samples = 0;        ///< n: rows of X so far
  SymmetricMatrix gram;       ///< H = sum of x x^T, [in, in]: 8 in^2 bytes
  std::vector<double> sum;    ///< of x, [in]
  std::vector<double> absSum; ///< of |x|, [in]
  std::vector<float> absMax;  ///< of |x|, [in]

  InputStatistics() = default;
  /// Of a layer with `in` inputs that has seen nothing.
  explicit InputStatistics(int64_t in) : gram(in), sum(in), absSum(in), absMax(in) {}

  int64_t inputs() const { return gram.size; }
  /// Counts the rows of `x` [any, in] in; O(rows in^2). A row that is not finite is left out.
  void add(ConstMatrixView x);
  /// Counts in what another has seen.
  void merge(const InputStatistics &other);
  /// E[x], zeros where nothing was seen.
  std::vector<double> mean() const;
  /// H - n E[x] E[x]^T: the second moments of x - E[x]. Where the bias of the layer is corrected afterwards
  /// (ActivationAware.h) the error of the mean is free, and this is what to quantize, prune or factor weights with.
  SymmetricMatrix centeredGram() const;
};

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_STATISTICS_H
