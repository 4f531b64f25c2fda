//===- Matrix.h - Plain row-major matrices --------------------------------===//
//
// What the numerics of compression compute on. A weight is W [out, in]: a row for each output channel, whatever the op
// that it belongs to (the weight of an ONNX MatMul is W transposed; that of a Conv is W with in = C/group * kh * kw).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_MATRIX_H
#define TENON_COMPRESS_NUMERICS_MATRIX_H

#include <cassert>
#include <cstdint>
#include <vector>

namespace tenon::compress {

/// A row-major matrix of another owner, to read.
struct ConstMatrixView {
  const float *data = nullptr;
  int64_t rows = 0, columns = 0;

  const float *row(int64_t r) const { return data + r * columns; }
  float operator()(int64_t r, int64_t c) const { return data[r * columns + c]; }
  int64_t size() const { return rows * columns; }
};

/// A row-major matrix of another owner, to change.
struct MatrixView {
  float *data = nullptr;
  int64_t rows = 0, columns = 0;

  float *row(int64_t r) const { return data + r * columns; }
  float &operator()(int64_t r, int64_t c) const { return data[r * columns + c]; }
  int64_t size() const { return rows * columns; }
  operator ConstMatrixView() const { return {data, rows, columns}; }
};

/// A row-major matrix that owns its elements.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> values; ///< rows * columns

  Matrix() = default;
  /// Zeros.
  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  /// A copy.
  explicit Matrix(ConstMatrixView m) : rows(m.rows), columns(m.columns), values(m.data, m.data + m.size()) {}

  float *row(int64_t r) { return values.data() + r * columns; }
  const float *row(int64_t r) const { return values.data() + r * columns; }
  float &operator()(int64_t r, int64_t c) { return values[r * columns + c]; }
  float operator()(int64_t r, int64_t c) const { return values[r * columns + c]; }
  operator MatrixView() { return {values.data(), rows, columns}; }
  operator ConstMatrixView() const { return {values.data(), rows, columns}; }
};

/// A symmetric matrix in double precision, both triangles stored.
struct SymmetricMatrix {
  int64_t size = 0;
  std::vector<double> values; ///< size * size

  SymmetricMatrix() = default;
  /// Zeros.
  explicit SymmetricMatrix(int64_t size) : size(size), values(size * size) {}

  double *row(int64_t r) { return values.data() + r * size; }
  const double *row(int64_t r) const { return values.data() + r * size; }
  double &operator()(int64_t r, int64_t c) { return values[r * size + c]; }
  double operator()(int64_t r, int64_t c) const { return values[r * size + c]; }
};

/// The matrix with rows and columns exchanged.
Matrix transposed(ConstMatrixView m);

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_MATRIX_H
