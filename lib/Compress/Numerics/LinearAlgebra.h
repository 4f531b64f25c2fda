//===- LinearAlgebra.h - Products and factorizations ----------------------===//
//
// What the numerics need of Eigen, which is included in LinearAlgebra.cpp and Spectral.cpp alone. All row-major.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_LINEARALGEBRA_H
#define TENON_COMPRESS_NUMERICS_LINEARALGEBRA_H

#include "tenon/Compress/Numerics/Matrix.h"

#include <optional>

namespace tenon::compress {

/// A row-major matrix in double precision.
struct DoubleMatrix {
  int64_t rows = 0, columns = 0;
  std::vector<double> values; ///< rows * columns

  DoubleMatrix() = default;
  DoubleMatrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  /// A copy.
  explicit DoubleMatrix(ConstMatrixView m) : rows(m.rows), columns(m.columns), values(m.data, m.data + m.size()) {}
  double *row(int64_t r) { return values.data() + r * columns; }
  const double *row(int64_t r) const { return values.data() + r * columns; }
};

/// h += x^T x for x [n, in].
void addGram(ConstMatrixView x, SymmetricMatrix &h);

/// d h for d [any, in].
DoubleMatrix multiply(const DoubleMatrix &d, const SymmetricMatrix &h);
/// d[:, first .. last] h[first .. last, :].
DoubleMatrix multiplyRows(const DoubleMatrix &d, const SymmetricMatrix &h, int64_t first, int64_t last);
/// a b.
DoubleMatrix multiply(const DoubleMatrix &a, const DoubleMatrix &b);

/// w[:, first + e.columns ..] -= e u[first .. first + e.columns, first + e.columns ..], for w [out, in], u [in, in].
void subtractSpread(MatrixView w, ConstMatrixView e, ConstMatrixView u, int64_t first);

/// h + damping * mean(diagonal) * I. An input that was never seen (h_jj = 0) gets 1 on the diagonal where all are so.
SymmetricMatrix damped(const SymmetricMatrix &h, double damping);

/// U [in, in], upper triangular, with h^-1 = U^T U. Nothing where h is not positive definite.
std::optional<Matrix> inverseFactor(const SymmetricMatrix &h);

/// As inverseFactor of h damped by `damping`, and by ten times as much until it exists.
Matrix dampedInverseFactor(const SymmetricMatrix &h, double damping);

/// The lower L with h = L L^T. Nothing where h is not positive definite, or so little that an entry of L's diagonal is
/// less than `least` of the largest.
std::optional<DoubleMatrix> choleskyFactor(const SymmetricMatrix &h, double least);

/// a l^-1 for a lower triangular l.
DoubleMatrix divideByLower(DoubleMatrix a, const DoubleMatrix &l);

/// a = u diag(values) v^T, values falling; u [m, k], v [n, k], k = min(m, n).
struct SingularValues {
  DoubleMatrix u, v;
  std::vector<double> values;
};
SingularValues singularValues(const DoubleMatrix &a);

/// h = vectors diag(values) vectors^T, values rising; an eigenvector is a column.
struct EigenValues {
  DoubleMatrix vectors;
  std::vector<double> values;
};
EigenValues eigenValues(const SymmetricMatrix &h);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_LINEARALGEBRA_H
