//===- QuantizedMatrix.h - Weights in few bits ----------------------------===//
//
// W [out, in] as codes with scales: w ~ (code - zero) * scale, ONNX DequantizeLinear. A scale belongs to the matrix, to
// a row, or to a group of neighbours along `in`.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_NUMERICS_QUANTIZEDMATRIX_H
#define TENON_COMPRESS_NUMERICS_QUANTIZEDMATRIX_H

#include "tenon/Compress/Numerics/Matrix.h"

namespace tenon::compress {

/// What a code is.
enum class CodeKind {
  Signed,    ///< symmetric: no zero points. 8 bits: [-127, 127]; b < 8 bits: [-2^(b-1), 2^(b-1) - 1]
  Unsigned,  ///< asymmetric: [0, 2^b - 1], a zero point of the same range for each scale
  Float8E4M3 ///< symmetric: OCP E4M3 without infinities (f8E4M3FN), 8 bits, largest 448
};

/// How weights are to be stored.
struct QuantizationFormat {
  static constexpr int64_t wholeRow = 0, wholeMatrix = -1;

  CodeKind kind = CodeKind::Signed;
  int bits = 8;             ///< of a code: 2 to 8
  int64_t group = wholeRow; ///< inputs that share a scale, or wholeRow, or wholeMatrix

  /// The least and the largest code; of Float8E4M3, value.
  int lowest() const;
  int highest() const;
};

/// How the scale of a group is found.
struct ScaleSearch {
  /// Also tries ranges that clip the largest weights: shrunk in `steps` steps to `least` of the full range, the one
  /// with the least sum of importance * error^2 is taken. 0: the full range.
  int steps = 0;
  double least = 0.5;
  /// How much the error of an input's weight counts, [in], e.g. the diagonal of H; empty: all alike.
  std::vector<double> importance = {};
};

/// Codes and scales.
struct QuantizedMatrix {
  int64_t rows = 0, columns = 0;
  QuantizationFormat format;
  std::vector<uint8_t> codes; ///< [rows, columns], a byte each; Signed: two's complement of a byte (int8_t)
  std::vector<float> scale;   ///< [rows, groups()]; [1] of a whole matrix. Positive and finite
  std::vector<uint8_t> zero;  ///< zero points as `scale`, only of Unsigned

  /// Scales of a row: ceil(columns / group).
  int64_t groups() const;
  /// Where the scale of an element is.
  int64_t scaleIndex(int64_t row, int64_t column) const;
  /// A code as a number, before the scale: code - zero, or the value of a Float8E4M3.
  float level(int64_t row, int64_t column) const;
  /// (code - zero) * scale of each element.
  Matrix dequantize() const;
  /// What the codes (packed), scales (f32) and zero points (packed) take.
  int64_t bytes() const;
};

/// The scale and the zero point of one group.
struct GroupScale {
  float scale = 1;
  int zero = 0;
};

/// The scale for `count` weights; `importance` is theirs, or null. All zeros, and anything not finite, get scale 1.
GroupScale chooseScale(const float *weights, int64_t count, const QuantizationFormat &format,
                       const ScaleSearch &search = {}, const double *importance = nullptr);

/// The scales that a search tries: first that of the full range, then shrunk ones.
std::vector<GroupScale> candidateScales(const float *weights, int64_t count, const QuantizationFormat &format,
                                        const ScaleSearch &search);

/// The code of a weight: round half to even, saturated. NaN becomes zero.
uint8_t encode(float weight, GroupScale scale, const QuantizationFormat &format);
/// What it stands for.
float decode(uint8_t code, GroupScale scale, const QuantizationFormat &format);

/// Every weight to its nearest code.
QuantizedMatrix roundToNearest(ConstMatrixView w, const QuantizationFormat &format, const ScaleSearch &search = {});

} // namespace tenon::compress

#endif // TENON_COMPRESS_NUMERICS_QUANTIZEDMATRIX_H
