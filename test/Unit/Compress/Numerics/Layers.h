//===- Layers.h - Layers to try the numerics on ---------------------------===//
//
// Weights and activations drawn from a seed. Those of real models differ from white noise in two ways that the methods
// live on: inputs are correlated, and a few are much larger than the others.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_COMPRESS_NUMERICS_LAYERS_H
#define TENON_TEST_COMPRESS_NUMERICS_LAYERS_H

#include "tenon/Compress/Numerics/Statistics.h"

#include <cmath>
#include <random>

namespace tenon::compress {

inline Matrix randomMatrix(int64_t rows, int64_t columns, unsigned seed, float size = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, size);
  Matrix result(rows, columns);
  for (float &value : result.values)
    value = normal(random);
  return result;
}

/// [samples, in]: `rank` hidden causes mixed into all inputs and noise of a tenth, with sizes spread over `decades`.
inline Matrix unevenActivations(int64_t samples, int64_t in, int64_t rank, double decades, unsigned seed) {
  Matrix cause = randomMatrix(samples, rank, seed), mix = randomMatrix(rank, in, seed + 1),
         result = randomMatrix(samples, in, seed + 2, 0.1f * std::sqrt(float(rank)));
  std::mt19937 random(seed + 3);
  std::uniform_real_distribution<double> exponent(-decades / 2, decades / 2);
  for (int64_t j = 0; j < in; ++j) {
    float size = float(std::pow(10, exponent(random)));
    for (int64_t r = 0; r < samples; ++r) {
      for (int64_t k = 0; k < rank; ++k)
        result(r, j) += cause(r, k) * mix(k, j);
      result(r, j) *= size;
    }
  }
  return result;
}

inline InputStatistics statisticsOf(ConstMatrixView x) {
  InputStatistics result(x.columns);
  result.add(x);
  return result;
}

} // namespace tenon::compress

#endif // TENON_TEST_COMPRESS_NUMERICS_LAYERS_H
