//===- Statistics.cpp - Moments and output errors of layers ---------------===//
#include "tenon/Compress/Numerics/Statistics.h"
#include "LinearAlgebra.h"
#include "tenon/Compress/Numerics/LayerError.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::compress {

Matrix transposed(ConstMatrixView m) {
  Matrix result(m.columns, m.rows);
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.columns; ++c)
      result(c, r) = m(r, c);
  return result;
}

static bool isFinite(const float *row, int64_t count) {
  return std::all_of(row, row + count, [](float x) { return std::isfinite(x); });
}

void InputStatistics::add(ConstMatrixView x) {
  assert(x.columns == inputs() && "a batch of another layer");
  // Runs of finite rows, so that one bad row does not spoil the sums.
  for (int64_t begin = 0; begin < x.rows;) {
    int64_t end = begin;
    while (end < x.rows && isFinite(x.row(end), x.columns))
      ++end;
    addGram({x.row(begin), end - begin, x.columns}, gram);
    for (int64_t r = begin; r < end; ++r)
      for (int64_t j = 0; j < x.columns; ++j) {
        float value = x(r, j), magnitude = std::fabs(value);
        sum[j] += value;
        absSum[j] += magnitude;
        absMax[j] = std::max(absMax[j], magnitude);
      }
    samples += end - begin;
    begin = end + 1;
  }
}

void InputStatistics::merge(const InputStatistics &other) {
  assert(other.inputs() == inputs() && "statistics of another layer");
  samples += other.samples;
  for (size_t i = 0; i < gram.values.size(); ++i)
    gram.values[i] += other.gram.values[i];
  for (int64_t j = 0; j < inputs(); ++j) {
    sum[j] += other.sum[j];
    absSum[j] += other.absSum[j];
    absMax[j] = std::max(absMax[j], other.absMax[j]);
  }
}

std::vector<double> InputStatistics::mean() const {
  std::vector<double> result = sum;
  for (double &value : result)
    value /= std::max<int64_t>(samples, 1);
  return result;
}

SymmetricMatrix InputStatistics::centeredGram() const {
  SymmetricMatrix result = gram;
  std::vector<double> average = mean();
  for (int64_t i = 0; i < inputs(); ++i)
    for (int64_t j = 0; j < inputs(); ++j)
      result(i, j) -= sum[i] * average[j];
  for (int64_t j = 0; j < inputs(); ++j) // below zero by rounding only
    result(j, j) = std::max(result(j, j), 0.0);
  return result;
}

static std::vector<double> energies(const DoubleMatrix &d, const SymmetricMatrix &h) {
  DoubleMatrix product = multiply(d, h);
  std::vector<double> result(d.rows);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t c = 0; c < d.columns; ++c)
      result[r] += d.row(r)[c] * product.row(r)[c];
  return result;
}

static double total(const std::vector<double> &rows) {
  double sum = 0;
  for (double value : rows)
    sum += value;
  return std::max(sum, 0.0); // below zero by rounding only
}

std::vector<double> rowEnergies(ConstMatrixView w, const SymmetricMatrix &h) { return energies(DoubleMatrix(w), h); }

double outputEnergy(ConstMatrixView w, const SymmetricMatrix &h) { return total(rowEnergies(w, h)); }

double outputChange(ConstMatrixView w, ConstMatrixView changed, const SymmetricMatrix &h) {
  assert(w.rows == changed.rows && w.columns == changed.columns && "weights of one shape");
  DoubleMatrix difference(w);
  for (int64_t i = 0; i < w.size(); ++i)
    difference.values[i] -= changed.data[i];
  return total(energies(difference, h));
}

double layerError(ConstMatrixView w, ConstMatrixView changed, const SymmetricMatrix &h) {
  double change = outputChange(w, changed, h), energy = outputEnergy(w, h);
  if (energy > 0 && !std::isnan(change / energy))
    return change / energy;
  return change <= 0 ? 0 : std::numeric_limits<double>::infinity(); // also where moments are not finite
}

double layerErrorNorm(ConstMatrixView w, ConstMatrixView changed, const SymmetricMatrix &h) {
  return std::sqrt(layerError(w, changed, h));
}

} // namespace tenon::compress
