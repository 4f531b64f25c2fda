//===- Spectral.cpp - Singular values and eigenvalues ---------------------===//
//
// Eigenvalues are Eigen's. Singular values are found by one-sided Jacobi rotations (Hestenes, 1958), which find small
// ones to full relative accuracy, from the eigenvectors of A^T A, after which two or three sweeps do. (Eigen's BDCSVD
// takes 18 seconds to compile.)
//
//===----------------------------------------------------------------------===//
#include "LinearAlgebra.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace Eigen;

namespace tenon::compress {

using RowMajorD = Eigen::Matrix<double, Dynamic, Dynamic, RowMajor>;

EigenValues eigenValues(const SymmetricMatrix &h) {
  MatrixXd input = Map<const RowMajorD>(h.values.data(), h.size, h.size);
  SelfAdjointEigenSolver<MatrixXd> solver(input);
  EigenValues result{DoubleMatrix(h.size, h.size), {}};
  Map<RowMajorD>(result.vectors.values.data(), h.size, h.size) = solver.eigenvectors();
  result.values.assign(solver.eigenvalues().data(), solver.eigenvalues().data() + h.size);
  return result;
}

static DoubleMatrix transposedCopy(const DoubleMatrix &m) {
  DoubleMatrix result(m.columns, m.rows);
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.columns; ++c)
      result.row(c)[r] = m.row(r)[c];
  return result;
}

static double dot(const double *a, const double *b, int64_t n) {
  return Map<const VectorXd>(a, n).dot(Map<const VectorXd>(b, n));
}

static void rotate(double *a, double *b, int64_t n, double cosine, double sine) {
  for (int64_t i = 0; i < n; ++i) {
    double x = a[i], y = b[i];
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
}

/// Rotates pairs of rows of `columns` (the columns of A V) until all are orthogonal; `v` (V^T) follows.
static void orthogonalize(DoubleMatrix &columns, DoubleMatrix &v) {
  constexpr int mostSweeps = 30;
  constexpr double tolerance = 1e-14;
  int64_t count = columns.rows, length = columns.columns;
  bool rotated = true;
  for (int sweep = 0; sweep < mostSweeps && rotated; ++sweep) {
    rotated = false;
    std::vector<double> norm(count);
    for (int64_t p = 0; p < count; ++p)
      norm[p] = dot(columns.row(p), columns.row(p), length);
    double nothing = 1e-34 * *std::max_element(norm.begin(), norm.end());
    for (int64_t p = 0; p < count; ++p)
      for (int64_t q = p + 1; q < count; ++q) {
        if (norm[p] <= nothing || norm[q] <= nothing)
          continue;
        double product = dot(columns.row(p), columns.row(q), length);
        if (std::fabs(product) <= tolerance * std::sqrt(norm[p] * norm[q]))
          continue;
        rotated = true;
        double zeta = (norm[q] - norm[p]) / (2 * product);
        double tangent = std::copysign(1.0, zeta) / (std::fabs(zeta) + std::hypot(1.0, zeta));
        double cosine = 1 / std::hypot(1.0, tangent), sine = cosine * tangent;
        rotate(columns.row(p), columns.row(q), length, cosine, sine);
        rotate(v.row(p), v.row(q), v.columns, cosine, sine);
        norm[p] -= tangent * product;
        norm[q] += tangent * product;
      }
  }
}

/// For a with no more columns than rows.
static SingularValues tallSingularValues(const DoubleMatrix &a) {
  int64_t n = a.columns;
  SymmetricMatrix square(n);
  Map<const RowMajorD> input(a.values.data(), a.rows, n);
  Map<RowMajorD>(square.values.data(), n, n).noalias() = input.transpose() * input;
  DoubleMatrix start = eigenValues(square).vectors;
  DoubleMatrix columns = transposedCopy(multiply(a, start)), v = transposedCopy(start);
  orthogonalize(columns, v);

  std::vector<double> size(n);
  for (int64_t i = 0; i < n; ++i)
    size[i] = std::sqrt(dot(columns.row(i), columns.row(i), a.rows));
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int64_t x, int64_t y) { return size[x] != size[y] ? size[x] > size[y] : x < y; });
  SingularValues result{DoubleMatrix(a.rows, n), DoubleMatrix(n, n), {}};
  for (int64_t i = 0; i < n; ++i) {
    double value = size[order[i]];
    result.values.push_back(value);
    for (int64_t r = 0; r < a.rows; ++r) // a vector without a value is left zero: nothing is multiplied by it
      result.u.row(r)[i] = value > 0 ? columns.row(order[i])[r] / value : 0;
    for (int64_t r = 0; r < n; ++r)
      result.v.row(r)[i] = v.row(order[i])[r];
  }
  return result;
}

SingularValues singularValues(const DoubleMatrix &a) {
  if (a.rows >= a.columns)
    return tallSingularValues(a);
  SingularValues result = tallSingularValues(transposedCopy(a));
  std::swap(result.u, result.v);
  return result;
}

} // namespace tenon::compress
