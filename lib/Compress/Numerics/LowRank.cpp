//===- LowRank.cpp - A weight as the product of two thin ones -------------===//
#include "tenon/Compress/Numerics/LowRank.h"
#include "LinearAlgebra.h"

#include <algorithm>
#include <cmath>

namespace tenon::compress {

/// Eigenvalues of H below this part of the largest are nothing.
static constexpr double negligible = 1e-12;

Matrix LowRankFactors::product() const {
  DoubleMatrix result = multiply(DoubleMatrix(b), DoubleMatrix(a));
  Matrix rounded(b.rows, a.columns);
  std::copy(result.values.begin(), result.values.end(), rounded.values.begin());
  return rounded;
}

LowRank LowRank::plain(ConstMatrixView w) {
  SingularValues svd = compress::singularValues(DoubleMatrix(w));
  LowRank result;
  result.out = w.rows;
  result.in = w.columns;
  result.values = std::move(svd.values);
  result.left = std::move(svd.u.values);
  result.right.resize(result.values.size() * w.columns);
  for (int64_t i = 0; i < result.maxRank(); ++i)
    for (int64_t j = 0; j < w.columns; ++j)
      result.right[i * w.columns + j] = svd.v.row(j)[i];
  return result;
}

namespace {
/// H = S S^T, as a factor of W and the inverse that takes it back.
struct Whitening {
  DoubleMatrix factor;  ///< S [in, k]
  DoubleMatrix inverse; ///< S^+ [k, in]
};
} // namespace

static std::optional<Whitening> whitenByEigenvalues(const SymmetricMatrix &h) {
  EigenValues eigen = eigenValues(h);
  int64_t first = 0;
  double largest = eigen.values.empty() ? 0 : eigen.values.back();
  while (first < h.size && !(eigen.values[first] > negligible * largest))
    ++first;
  if (first == h.size)
    return std::nullopt;
  Whitening result{DoubleMatrix(h.size, h.size - first), DoubleMatrix(h.size - first, h.size)};
  for (int64_t j = 0; j < h.size; ++j)
    for (int64_t i = first; i < h.size; ++i) {
      double root = std::sqrt(eigen.values[i]), entry = eigen.vectors.row(j)[i];
      result.factor.row(j)[i - first] = entry * root;
      result.inverse.row(i - first)[j] = entry / root;
    }
  return result;
}

LowRank LowRank::whitened(ConstMatrixView w, const SymmetricMatrix &h) {
  assert(h.size == w.columns && "second moments of another layer");
  std::optional<Whitening> whitening;
  if (auto lower = choleskyFactor(h, std::sqrt(negligible)))
    whitening = Whitening{std::move(*lower), {}};
  else if (!(whitening = whitenByEigenvalues(h)))
    return plain(w);
  SingularValues svd = compress::singularValues(multiply(DoubleMatrix(w), whitening->factor));
  LowRank result;
  result.out = w.rows;
  result.in = w.columns;
  result.left = std::move(svd.u.values);
  result.values = std::move(svd.values);
  DoubleMatrix transposed(svd.v.columns, svd.v.rows);
  for (int64_t i = 0; i < svd.v.rows; ++i)
    for (int64_t j = 0; j < svd.v.columns; ++j)
      transposed.row(j)[i] = svd.v.row(i)[j];
  result.right = whitening->inverse.values.empty() ? divideByLower(std::move(transposed), whitening->factor).values
                                                   : multiply(transposed, whitening->inverse).values;
  return result;
}

double LowRank::errorNorm(int64_t rank) const {
  double dropped = 0, all = 0;
  for (int64_t i = maxRank(); i-- > 0;) { // small ones first
    all += values[i] * values[i];
    if (i == rank)
      dropped = all;
  }
  return all > 0 ? std::sqrt(dropped / all) : 0;
}

int64_t LowRank::rankFor(double budget) const {
  int64_t low = 0, high = maxRank();
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (errorNorm(middle) <= budget)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

LowRankFactors LowRank::factors(int64_t rank) const {
  assert(rank >= 0 && rank <= maxRank() && "no such rank");
  LowRankFactors result{Matrix(out, rank), Matrix(rank, in)};
  for (int64_t i = 0; i < rank; ++i) {
    double root = std::sqrt(values[i]);
    for (int64_t r = 0; r < out; ++r)
      result.b(r, i) = float(left[r * maxRank() + i] * root);
    for (int64_t c = 0; c < in; ++c)
      result.a(i, c) = float(right[i * in + c] * root);
  }
  return result;
}

/// W[m, c, i, j] at [(c, i), (m, j)].
static Matrix spatialMatrix(const float *w, int64_t m, int64_t c, int64_t kh, int64_t kw) {
  Matrix result(c * kh, m * kw);
  for (int64_t o = 0; o < m; ++o)
    for (int64_t r = 0; r < c * kh; ++r)
      for (int64_t j = 0; j < kw; ++j)
        result(r, o * kw + j) = w[(o * c * kh + r) * kw + j];
  return result;
}

static SplitConvolution splitAt(const LowRank &svd, int64_t m, int64_t kw, int64_t rank) {
  LowRankFactors factors = svd.factors(rank);
  SplitConvolution result;
  result.rank = rank;
  result.errorNorm = svd.errorNorm(rank);
  result.vertical = transposed(factors.b).values;
  for (int64_t o = 0; o < m; ++o)
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t j = 0; j < kw; ++j)
        result.horizontal.push_back(factors.a(r, o * kw + j));
  return result;
}

SplitConvolution splitSpatially(const float *w, int64_t m, int64_t c, int64_t kh, int64_t kw, int64_t rank) {
  LowRank svd = LowRank::plain(spatialMatrix(w, m, c, kh, kw));
  return splitAt(svd, m, kw, std::min(rank, svd.maxRank()));
}

SplitConvolution splitSpatially(const float *w, int64_t m, int64_t c, int64_t kh, int64_t kw, double budget) {
  LowRank svd = LowRank::plain(spatialMatrix(w, m, c, kh, kw));
  return splitAt(svd, m, kw, svd.rankFor(budget));
}

} // namespace tenon::compress
