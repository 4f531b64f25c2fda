//===- LinearAlgebra.cpp - Products and Cholesky factors by Eigen ---------===//
#include "LinearAlgebra.h"

#include <Eigen/Cholesky>

using namespace Eigen;

namespace tenon::compress {

using RowMajorF = Eigen::Matrix<float, Dynamic, Dynamic, RowMajor>;
using RowMajorD = Eigen::Matrix<double, Dynamic, Dynamic, RowMajor>;

static Map<const RowMajorD> map(const DoubleMatrix &m) { return {m.values.data(), m.rows, m.columns}; }
static Map<const RowMajorD> map(const SymmetricMatrix &m) { return {m.values.data(), m.size, m.size}; }
static Map<RowMajorD> map(DoubleMatrix &m) { return {m.values.data(), m.rows, m.columns}; }

void addGram(ConstMatrixView x, SymmetricMatrix &h) {
  constexpr int64_t chunk = 256; // rows turned into doubles at a time
  Map<RowMajorD> sum(h.values.data(), h.size, h.size);
  for (int64_t r = 0; r < x.rows; r += chunk) {
    RowMajorD part = Map<const RowMajorF>(x.row(r), std::min(chunk, x.rows - r), x.columns).cast<double>();
    sum.selfadjointView<Upper>().rankUpdate(part.transpose());
  }
  sum.triangularView<StrictlyLower>() = sum.transpose();
}

DoubleMatrix multiply(const DoubleMatrix &d, const SymmetricMatrix &h) {
  DoubleMatrix result(d.rows, h.size);
  map(result).noalias() = map(d) * map(h);
  return result;
}

DoubleMatrix multiplyRows(const DoubleMatrix &d, const SymmetricMatrix &h, int64_t first, int64_t last) {
  DoubleMatrix result(d.rows, h.size);
  map(result).noalias() = map(d).middleCols(first, last - first) * map(h).middleRows(first, last - first);
  return result;
}

DoubleMatrix multiply(const DoubleMatrix &a, const DoubleMatrix &b) {
  DoubleMatrix result(a.rows, b.columns);
  map(result).noalias() = map(a) * map(b);
  return result;
}

void subtractSpread(MatrixView w, ConstMatrixView e, ConstMatrixView u, int64_t first) {
  int64_t from = first + e.columns, rest = w.columns - from;
  if (rest <= 0)
    return;
  Map<RowMajorF> all(w.data, w.rows, w.columns);
  Map<const RowMajorF> factor(u.data, u.rows, u.columns), errors(e.data, e.rows, e.columns);
  all.rightCols(rest).noalias() -= errors * factor.block(first, from, e.columns, rest);
}

SymmetricMatrix damped(const SymmetricMatrix &h, double damping) {
  SymmetricMatrix result = h;
  double mean = 0;
  for (int64_t j = 0; j < h.size; ++j)
    mean += h(j, j) / h.size;
  for (int64_t j = 0; j < h.size; ++j)
    result(j, j) += mean > 0 ? damping * mean : 1;
  return result;
}

// With J the reversal of order: J h J = L L^T, so h = R R^T for the upper R = J L J, and U = R^-1 = J L^-1 J.
std::optional<compress::Matrix> inverseFactor(const SymmetricMatrix &h) {
  RowMajorD reversed = map(h).reverse();
  LLT<Ref<RowMajorD>> cholesky(reversed);
  if (cholesky.info() != Success)
    return std::nullopt;
  RowMajorD inverse = RowMajorD::Identity(h.size, h.size);
  cholesky.matrixL().solveInPlace(inverse);
  compress::Matrix result(h.size, h.size);
  Map<RowMajorF>(result.values.data(), h.size, h.size) = inverse.reverse().cast<float>();
  return result;
}

compress::Matrix dampedInverseFactor(const SymmetricMatrix &h, double damping) {
  // h is a sum of squares: some damping makes it positive definite, however the sum was rounded.
  for (damping = std::max(damping, 1e-12);; damping *= 10)
    if (auto factor = inverseFactor(damped(h, damping)))
      return std::move(*factor);
}

std::optional<DoubleMatrix> choleskyFactor(const SymmetricMatrix &h, double least) {
  RowMajorD copy = map(h);
  LLT<Ref<RowMajorD>> cholesky(copy);
  if (cholesky.info() != Success)
    return std::nullopt;
  DoubleMatrix result(h.size, h.size);
  map(result) = cholesky.matrixL();
  auto diagonal = map(result).diagonal();
  if (h.size && !(diagonal.minCoeff() >= least * diagonal.maxCoeff()))
    return std::nullopt;
  return result;
}

DoubleMatrix divideByLower(DoubleMatrix a, const DoubleMatrix &l) {
  Map<RowMajorD> result = map(a);
  map(l).triangularView<Lower>().solveInPlace<OnTheRight>(result);
  return a;
}

} // namespace tenon::compress
