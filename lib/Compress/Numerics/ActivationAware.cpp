//===- ActivationAware.cpp - AWQ, SmoothQuant, bias correction ------------===//
#include "tenon/Compress/Numerics/ActivationAware.h"
#include "tenon/Compress/Numerics/LayerError.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::compress {

Matrix scaleInputs(ConstMatrixView w, const std::vector<float> &factors) {
  Matrix result(w);
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t c = 0; c < w.columns; ++c)
      result(r, c) *= factors[c];
  return result;
}

Matrix unscaleInputs(ConstMatrixView w, const std::vector<float> &factors) {
  Matrix result(w);
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t c = 0; c < w.columns; ++c)
      result(r, c) /= factors[c];
  return result;
}

SymmetricMatrix scaleMoments(const SymmetricMatrix &h, const std::vector<float> &factors) {
  SymmetricMatrix result = h;
  for (int64_t i = 0; i < h.size; ++i)
    for (int64_t j = 0; j < h.size; ++j)
      result(i, j) /= double(factors[i]) * factors[j];
  return result;
}

/// A factor that neither overflows nor loses an input.
static float usable(double factor) {
  return std::isfinite(factor) && factor > 0 ? float(std::clamp(factor, 1e-4, 1e4)) : 1.0f;
}

/// mean|x|^alpha, divided by the geometric mean of its extremes as in AWQ: the size of all factors says nothing.
static std::vector<float> awqFactors(const InputStatistics &inputs, double alpha) {
  std::vector<double> raw(inputs.inputs(), 1.0);
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (int64_t j = 0; j < inputs.inputs(); ++j) {
    double mean = inputs.absSum[j] / std::max<int64_t>(inputs.samples, 1);
    raw[j] = mean > 0 ? std::pow(mean, alpha) : 0;
    if (raw[j] > 0) {
      low = std::min(low, raw[j]);
      high = std::max(high, raw[j]);
    }
  }
  double middle = high > 0 ? std::sqrt(low * high) : 1;
  std::vector<float> factors(raw.size());
  for (size_t j = 0; j < raw.size(); ++j)
    factors[j] = usable(raw[j] / middle);
  return factors;
}

AwqResult awq(ConstMatrixView w, const InputStatistics &inputs, const QuantizationFormat &format,
              const AwqOptions &options) {
  assert(inputs.inputs() == w.columns && "statistics of another layer");
  AwqResult best;
  for (int step = 0; step < std::max(options.grid, 1); ++step) {
    double alpha = options.grid > 1 ? double(step) / (options.grid - 1) : 0;
    std::vector<float> factors = awqFactors(inputs, alpha);
    if (alpha == 0)
      factors.assign(w.columns, 1.0f);
    QuantizedMatrix quantized = roundToNearest(scaleInputs(w, factors), format, options.search);
    double error = layerError(w, unscaleInputs(quantized.dequantize(), factors), inputs.gram);
    if (step == 0 || error < best.error) // all are infinite where moments are not finite
      best = {alpha, std::move(factors), std::move(quantized), error};
  }
  if (!options.gptq || !std::isfinite(best.error))
    return best;
  QuantizedMatrix updated =
      gptq(scaleInputs(w, best.factors), scaleMoments(inputs.gram, best.factors), format, options.gptqOptions);
  double error = layerError(w, unscaleInputs(updated.dequantize(), best.factors), inputs.gram);
  if (error < best.error) {
    best.quantized = std::move(updated);
    best.error = error;
  }
  return best;
}

std::vector<float> smoothFactors(const std::vector<ConstMatrixView> &weights, const std::vector<float> &absMax,
                                 double strength) {
  std::vector<float> largest(absMax.size());
  for (ConstMatrixView w : weights)
    for (int64_t r = 0; r < w.rows; ++r)
      for (int64_t c = 0; c < w.columns; ++c)
        largest[c] = std::max(largest[c], std::fabs(w(r, c)));
  std::vector<float> factors(absMax.size(), 1.0f);
  for (size_t c = 0; c < absMax.size(); ++c)
    if (absMax[c] > 0 && largest[c] > 0)
      factors[c] = usable(std::pow(double(absMax[c]), strength) / std::pow(double(largest[c]), 1 - strength));
  return factors;
}

std::vector<float> biasCorrection(ConstMatrixView w, ConstMatrixView changed, const std::vector<double> &mean) {
  std::vector<float> result(w.rows);
  for (int64_t r = 0; r < w.rows; ++r) {
    double sum = 0;
    for (int64_t c = 0; c < w.columns; ++c)
      sum += (double(w(r, c)) - changed(r, c)) * mean[c];
    result[r] = float(sum);
  }
  return result;
}

} // namespace tenon::compress
