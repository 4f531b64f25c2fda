//===- LowRank.h - A weight as the product of two thin ones ---------------===//
//
// W [out, in] ~ B A, B [out, r], A [r, in]. By the truncated singular value decomposition of W alone (least change of
// the weights), or whitened by the inputs (least change of the outputs): with H = X^T X = S S^T and W S = U diag(s)
// V^T,
//
//   B A = U_r diag(s_r) V_r^T S^-1,   tr((W - B A) H (W - B A)^T) = sum of s_i^2 over i > r,
//
// which no other matrix of rank r is below (Eckart and Young; SVD-LLM, Wang et al., 2024). S is the Cholesky factor.
// Where H has not full rank (or nearly so), S = Q diag(l)^1/2 of the eigenvalues l above 1e-12 of the largest:
// directions that no input has become zero in B A, and the formula holds as it is.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_LOWRANK_H
#define TENON_COMPRESS_NUMERICS_LOWRANK_H

#include "tenon/Compress/Numerics/Matrix.h"

namespace tenon::compress {

/// W ~ b a.
struct LowRankFactors {
  Matrix b; ///< [out, r]
  Matrix a; ///< [r, in]

  /// b a, [out, in].
  Matrix product() const;
};

/// The decomposition of one weight, from which factors of every rank are read. Costs O(min(out, in)^2 max(out, in)),
/// and O(in^3) where it is whitened.
class LowRank {
public:
  /// Of W itself.
  static LowRank plain(ConstMatrixView w);
  /// Of W for inputs with second moments h [in, in]; plain where h is zero.
  static LowRank whitened(ConstMatrixView w, const SymmetricMatrix &h);

  /// The most that a rank can be: min(out, in), or the rank of W S.
  int64_t maxRank() const { return int64_t(values.size()); }
  /// s, falling.
  const std::vector<double> &singularValues() const { return values; }
  /// The error of rank r in closed form, as a norm relative to that of all: sqrt(sum of dropped s^2 / sum of s^2). Of
  /// outputs where whitened, of weights where plain.
  double errorNorm(int64_t rank) const;
  /// The least rank whose errorNorm is no more than `budget`.
  int64_t rankFor(double budget) const;
  /// B and A of a rank in [0, maxRank()]; each has half of s.
  LowRankFactors factors(int64_t rank) const;

private:
  int64_t out = 0, in = 0;
  std::vector<double> values;
  std::vector<double> left;  ///< U [out, k]
  std::vector<double> right; ///< V^T S^-1 [k, in]
};

/// The rank at which two products are as many multiplications as one: out * in / (out + in), rounded down.
inline int64_t breakEvenRank(int64_t out, int64_t in) { return out + in ? out * in / (out + in) : 0; }

/// A convolution W [M, C, kh, kw] as two.
struct SplitConvolution {
  /// First [r, C, kh, 1], then [M, r, 1, kw]. Strides, pads and dilations of a direction go with the kernel of it.
  std::vector<float> vertical, horizontal;
  int64_t rank = 0;
  double errorNorm = 0; ///< of the weights, relative
};

/// The spatial split (Jaderberg et al.: "Speeding up Convolutional Neural Networks with Low Rank Expansions", 2014), by
/// the singular values of W as [C kh, M kw]. `w` is M C kh kw floats in the order of ONNX. (The other way, kh x kw to r
/// channels and then 1 x 1 to M, is LowRank of W as [M, C kh kw], its A and B as they are.)
SplitConvolution splitSpatially(const float *w, int64_t m, int64_t c, int64_t kh, int64_t kw, int64_t rank);
/// The same with the least rank whose errorNorm is no more than `budget`.
SplitConvolution splitSpatially(const float *w, int64_t m, int64_t c, int64_t kh, int64_t kw, double budget);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_LOWRANK_H
