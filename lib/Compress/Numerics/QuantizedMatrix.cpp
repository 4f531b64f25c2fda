//===- QuantizedMatrix.cpp - Codes and scales of weights ------------------===//
#include "tenon/Compress/Numerics/QuantizedMatrix.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tenon::compress {

int QuantizationFormat::lowest() const {
  if (kind == CodeKind::Float8E4M3)
    return -448;
  if (kind == CodeKind::Unsigned)
    return 0;
  return bits == 8 ? -127 : -(1 << (bits - 1));
}

int QuantizationFormat::highest() const {
  if (kind == CodeKind::Float8E4M3)
    return 448;
  return (1 << (kind == CodeKind::Unsigned ? bits : bits - 1)) - 1;
}

// E4M3: 4 exponent bits of bias 7, 3 bits of mantissa; steps of 2^-9 below 2^-6.
static float decodeE4M3(uint8_t code) {
  int exponent = code >> 3 & 15, mantissa = code & 7;
  float magnitude = exponent ? std::ldexp(8.0f + mantissa, exponent - 10) : std::ldexp(float(mantissa), -9);
  return code & 0x80 ? -magnitude : magnitude;
}

static uint8_t encodeE4M3(float value) {
  uint8_t sign = std::signbit(value) ? 0x80 : 0;
  float magnitude = std::min(std::fabs(value), 448.0f);
  int exponent = std::max(magnitude > 0 ? std::ilogb(magnitude) : -6, -6);
  // In steps of this binade; 16 carries into the next one.
  int steps = int(std::nearbyint(std::ldexp(magnitude, 3 - exponent)));
  return sign | uint8_t(steps + (exponent + 6) * 8);
}

uint8_t encode(float weight, GroupScale scale, const QuantizationFormat &format) {
  float level = weight / scale.scale;
  if (std::isnan(level))
    level = 0;
  if (format.kind == CodeKind::Float8E4M3)
    return encodeE4M3(level);
  float code = std::nearbyint(level) + float(scale.zero);
  return uint8_t(int(std::clamp(code, float(format.lowest()), float(format.highest()))));
}

static float levelOf(uint8_t code, int zero, CodeKind kind) {
  switch (kind) {
  case CodeKind::Signed:
    return int8_t(code);
  case CodeKind::Unsigned:
    return float(int(code) - zero);
  case CodeKind::Float8E4M3:
    return decodeE4M3(code);
  }
  return 0;
}

float decode(uint8_t code, GroupScale scale, const QuantizationFormat &format) {
  return levelOf(code, scale.zero, format.kind) * scale.scale;
}

int64_t QuantizedMatrix::groups() const { return format.group > 0 ? (columns + format.group - 1) / format.group : 1; }

int64_t QuantizedMatrix::scaleIndex(int64_t row, int64_t column) const {
  if (format.group == QuantizationFormat::wholeMatrix)
    return 0;
  return row * groups() + (format.group > 0 ? column / format.group : 0);
}

float QuantizedMatrix::level(int64_t row, int64_t column) const {
  int at = zero.empty() ? 0 : zero[scaleIndex(row, column)];
  return levelOf(codes[row * columns + column], at, format.kind);
}

Matrix QuantizedMatrix::dequantize() const {
  Matrix result(rows, columns);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result(r, c) = level(r, c) * scale[scaleIndex(r, c)];
  return result;
}

int64_t QuantizedMatrix::bytes() const {
  auto packed = [&](size_t count) { return int64_t(count * format.bits + 7) / 8; };
  return packed(codes.size()) + int64_t(scale.size() * sizeof(float)) + packed(zero.size());
}

// A scale of which 1 / scale overflows is as good as zero weights.
static bool isUsable(float scale) { return std::isfinite(scale) && scale >= std::numeric_limits<float>::min(); }

static GroupScale scaleOfRange(float low, float high, const QuantizationFormat &format) {
  if (format.kind != CodeKind::Unsigned) {
    float scale = std::max(-low, high) / float(format.highest());
    return {isUsable(scale) ? scale : 1.0f, 0};
  }
  float scale = float((double(high) - low) / format.highest());
  if (!isUsable(scale))
    return {1, 0};
  return {scale, int(std::clamp(std::nearbyint(-low / scale), 0.0f, float(format.highest())))};
}

static double errorOf(const float *weights, int64_t count, GroupScale scale, const QuantizationFormat &format,
                      const double *importance) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    double error = double(weights[i]) - decode(encode(weights[i], scale, format), scale, format);
    sum += (importance ? importance[i] : 1.0) * error * error;
  }
  return sum;
}

std::vector<GroupScale> candidateScales(const float *weights, int64_t count, const QuantizationFormat &format,
                                        const ScaleSearch &search) {
  // Zero is always in the range: pruned weights stay zero. The ends of a range that the rounded zero point moves are
  // still numbers.
  constexpr float largest = std::numeric_limits<float>::max() * 0.75f;
  float low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(weights[i]))
      continue;
    low = std::min(low, std::max(weights[i], -largest));
    high = std::max(high, std::min(weights[i], largest));
  }
  std::vector<GroupScale> result{scaleOfRange(low, high, format)};
  for (int step = 1; step <= search.steps && low != high; ++step) {
    float part = float(1 - (1 - search.least) * step / search.steps);
    result.push_back(scaleOfRange(low * part, high * part, format));
    if (format.kind == CodeKind::Unsigned && low < 0 && high > 0) { // either end alone
      result.push_back(scaleOfRange(low * part, high, format));
      result.push_back(scaleOfRange(low, high * part, format));
    }
  }
  return result;
}

GroupScale chooseScale(const float *weights, int64_t count, const QuantizationFormat &format, const ScaleSearch &search,
                       const double *importance) {
  std::vector<GroupScale> candidates = candidateScales(weights, count, format, search);
  GroupScale best = candidates.front();
  if (candidates.size() == 1)
    return best;
  double least = std::numeric_limits<double>::infinity();
  for (GroupScale candidate : candidates) {
    double error = errorOf(weights, count, candidate, format, importance);
    if (error < least) {
      least = error;
      best = candidate;
    }
  }
  return best;
}

QuantizedMatrix roundToNearest(ConstMatrixView w, const QuantizationFormat &format, const ScaleSearch &search) {
  QuantizedMatrix result{w.rows, w.columns, format, std::vector<uint8_t>(w.size()), {}, {}};
  const double *importance = search.importance.empty() ? nullptr : search.importance.data();
  bool whole = format.group == QuantizationFormat::wholeMatrix;
  GroupScale scale;
  if (whole) // what counts for an input counts for every row of it: too large a table, and of no use here
    scale = chooseScale(w.data, w.size(), format, {search.steps, search.least});
  auto note = [&] {
    result.scale.push_back(scale.scale);
    if (format.kind == CodeKind::Unsigned)
      result.zero.push_back(uint8_t(scale.zero));
  };
  if (whole)
    note();
  int64_t width = format.group > 0 ? format.group : w.columns;
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t begin = 0; begin < w.columns; begin += width) {
      int64_t end = std::min(begin + width, w.columns);
      if (!whole) {
        scale = chooseScale(w.row(r) + begin, end - begin, format, search, importance ? importance + begin : nullptr);
        note();
      }
      for (int64_t c = begin; c < end; ++c)
        result.codes[r * w.columns + c] = encode(w(r, c), scale, format);
    }
  return result;
}

} // namespace tenon::compress
