//===- QuantizationTest.cpp - Weights in few bits -------------------------===//
#include "Layers.h"
#include "tenon/Compress/Numerics/ActivationAware.h"
#include "tenon/Compress/Numerics/LayerError.h"
#include "gtest/gtest.h"

#include <limits>

namespace tenon::compress {
namespace {

constexpr QuantizationFormat int8Row{}, int4Group{.bits = 4, .group = 32}, uint4Group{CodeKind::Unsigned, 4, 32},
    uint8Row{CodeKind::Unsigned, 8}, float8Row{CodeKind::Float8E4M3, 8};

TEST(LayerError, IsTheErrorOfTheOutputs) {
  Matrix w = randomMatrix(5, 7, 1), changed = randomMatrix(5, 7, 2), x = randomMatrix(40, 7, 3);
  double change = 0, energy = 0;
  for (int64_t s = 0; s < 40; ++s)
    for (int64_t r = 0; r < 5; ++r) {
      double before = 0, after = 0;
      for (int64_t j = 0; j < 7; ++j) {
        before += double(w(r, j)) * x(s, j);
        after += double(changed(r, j)) * x(s, j);
      }
      change += (before - after) * (before - after);
      energy += before * before;
    }
  SymmetricMatrix h = statisticsOf(x).gram;
  EXPECT_NEAR(layerError(w, changed, h), change / energy, 1e-12);
  EXPECT_NEAR(layerErrorNorm(w, changed, h), std::sqrt(change / energy), 1e-12);
  EXPECT_EQ(layerError(w, w, h), 0);
}

TEST(LayerError, OfNothing) {
  Matrix w = randomMatrix(2, 3, 1), zero(2, 3);
  SymmetricMatrix h(3);
  EXPECT_EQ(layerError(w, zero, h), 0);
  EXPECT_EQ(layerError(zero, w, statisticsOf(randomMatrix(4, 3, 2)).gram), std::numeric_limits<double>::infinity());
}

TEST(InputStatistics, AreTheSameInOnePartOrTwo) {
  Matrix x = randomMatrix(700, 9, 4);
  InputStatistics whole = statisticsOf(x), first = statisticsOf({x.row(0), 300, 9});
  first.merge(statisticsOf({x.row(300), 400, 9}));
  EXPECT_EQ(whole.samples, first.samples);
  EXPECT_EQ(whole.absMax, first.absMax);
  for (int64_t i = 0; i < 9; ++i) {
    EXPECT_NEAR(whole.sum[i], first.sum[i], 1e-9);
    for (int64_t j = 0; j < 9; ++j)
      EXPECT_NEAR(whole.gram(i, j), first.gram(i, j), 1e-9);
  }
}

TEST(InputStatistics, CenteredAreThoseWithoutTheMean) {
  Matrix x = randomMatrix(100, 5, 24), shifted = x;
  for (int64_t r = 0; r < x.rows; ++r)
    for (int64_t j = 0; j < x.columns; ++j)
      shifted(r, j) += float(j);
  SymmetricMatrix a = statisticsOf(x).centeredGram(), b = statisticsOf(shifted).centeredGram();
  for (int64_t i = 0; i < 25; ++i)
    EXPECT_NEAR(a.values[i], b.values[i], 1e-3);
}

TEST(InputStatistics, LeaveOutRowsThatAreNotFinite) {
  Matrix x = randomMatrix(5, 3, 5);
  x(2, 1) = std::numeric_limits<float>::quiet_NaN();
  InputStatistics statistics = statisticsOf(x);
  EXPECT_EQ(statistics.samples, 4);
  EXPECT_TRUE(std::isfinite(statistics.gram(1, 1)));
}

/// Half a step of each group's scale bounds the error of rounding to the nearest; symmetric ranges may clip nothing.
void expectHalfAStep(const QuantizationFormat &format) {
  Matrix w = randomMatrix(6, 100, 6); // the last group of 32 has 4
  QuantizedMatrix quantized = roundToNearest(w, format);
  Matrix back = quantized.dequantize();
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t c = 0; c < w.columns; ++c)
      // An unsigned zero point is rounded too: up to half a step more at the ends of the range.
      EXPECT_LE(std::fabs(w(r, c) - back(r, c)),
                quantized.scale[quantized.scaleIndex(r, c)] * (format.kind == CodeKind::Unsigned ? 1.0001 : 0.5001));
}

TEST(RoundToNearest, IsWithinHalfAStep) {
  for (CodeKind kind : {CodeKind::Signed, CodeKind::Unsigned})
    for (int bits : {4, 8})
      for (int64_t group : {QuantizationFormat::wholeMatrix, QuantizationFormat::wholeRow, int64_t(32), int64_t(64)})
        expectHalfAStep({kind, bits, group});
}

TEST(RoundToNearest, ZeroStaysZero) {
  Matrix w = randomMatrix(3, 64, 7);
  for (int64_t c = 0; c < 64; c += 3)
    w(1, c) = 0;
  for (int64_t c = 0; c < 64; ++c)
    w(2, c) = 0;
  for (const QuantizationFormat &format : {int8Row, int4Group, uint4Group, uint8Row, float8Row}) {
    Matrix back = roundToNearest(w, format).dequantize();
    for (int64_t c = 0; c < 64; c += 3)
      EXPECT_EQ(back(1, c), 0);
    for (int64_t c = 0; c < 64; ++c)
      EXPECT_EQ(back(2, c), 0);
  }
}

TEST(RoundToNearest, SurvivesExtremes) {
  float largest = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  Matrix w(4, 4);
  w.values = {largest, -largest, 0, 1, least, -least, 0, least, inf, -inf, 1, nan, 1, 1, 1, 1};
  for (const QuantizationFormat &format : {int8Row, int4Group, uint4Group, uint8Row, float8Row})
    for (int steps : {0, 10}) {
      QuantizedMatrix quantized = roundToNearest(w, format, {.steps = steps});
      for (float scale : quantized.scale)
        EXPECT_TRUE(std::isfinite(scale) && scale > 0);
      for (float value : quantized.dequantize().values)
        EXPECT_TRUE(std::isfinite(value));
    }
}

TEST(Float8, NearestOfAllValues) {
  // Every code stands for itself, and between neighbours the nearer one is taken, the even one of equals.
  for (int code = 0; code < 0x7E; ++code) {
    float value = decode(uint8_t(code), {}, float8Row), next = decode(uint8_t(code + 1), {}, float8Row);
    EXPECT_EQ(encode(value, {}, float8Row), code);
    EXPECT_LT(value, next);
    float middle = (value + next) / 2;
    EXPECT_EQ(encode(middle, {}, float8Row), code % 2 ? code + 1 : code);
    EXPECT_EQ(encode(std::nextafter(middle, 0.0f), {}, float8Row), code);
    EXPECT_EQ(encode(std::nextafter(middle, 500.0f), {}, float8Row), code + 1);
    EXPECT_EQ(encode(-value, {}, float8Row), code | 0x80);
  }
  EXPECT_EQ(decode(0x7E, {}, float8Row), 448);
  EXPECT_EQ(encode(1e30f, {}, float8Row), 0x7E);
}

TEST(ScaleSearch, IsNoWorse) {
  Matrix w = randomMatrix(16, 128, 8);
  for (const QuantizationFormat &format : {int4Group, uint4Group, int8Row}) {
    SymmetricMatrix h(128);
    for (int64_t j = 0; j < 128; ++j)
      h(j, j) = 1;
    double plain = layerError(w, roundToNearest(w, format).dequantize(), h);
    double searched = layerError(w, roundToNearest(w, format, {.steps = 40}).dequantize(), h);
    EXPECT_LE(searched, plain);
  }
}

TEST(QuantizedMatrix, CountsItsBytes) {
  QuantizedMatrix quantized = roundToNearest(randomMatrix(8, 64, 9), uint4Group);
  EXPECT_EQ(quantized.bytes(), 8 * 64 / 2 + 16 * 4 + 16 / 2);
}

TEST(Gptq, HalvesTheErrorOnCorrelatedInputs) {
  Matrix w = randomMatrix(96, 128, 10);
  SymmetricMatrix h = statisticsOf(unevenActivations(512, 128, 24, 1, 11)).gram;
  for (const QuantizationFormat &format : {int4Group, uint4Group}) {
    double nearest = layerErrorNorm(w, roundToNearest(w, format).dequantize(), h);
    for (bool actOrder : {false, true}) {
      GptqOptions options{.actOrder = actOrder, .search = {.steps = 20}, .sweeps = 3};
      EXPECT_LT(layerErrorNorm(w, gptq(w, h, format, options).dequantize(), h), 0.5 * nearest) << actOrder;
    }
  }
}

TEST(Gptq, RestartsAreNoWorse) {
  Matrix w = randomMatrix(32, 96, 22);
  SymmetricMatrix h = statisticsOf(unevenActivations(300, 96, 20, 1, 23)).gram;
  for (const QuantizationFormat &format : {int8Row, int4Group, uint4Group}) {
    double before = 1;
    for (int restarts : {0, 1, 2, 4}) {
      GptqOptions options{.search = {.steps = 20}, .sweeps = 2, .restarts = restarts};
      double after = layerError(w, gptq(w, h, format, options).dequantize(), h);
      EXPECT_LE(after, before);
      before = after;
    }
  }
}

TEST(Gptq, IsRoundingWhereInputsAreIndependent) {
  Matrix w = randomMatrix(4, 64, 12);
  SymmetricMatrix h(64);
  for (int64_t j = 0; j < 64; ++j)
    h(j, j) = 3;
  for (const QuantizationFormat &format : {int8Row, uint4Group})
    EXPECT_EQ(gptq(w, h, format).codes, roundToNearest(w, format).codes);
}

TEST(Gptq, WorksWithoutFullRankAndWithoutSamples) {
  Matrix w = randomMatrix(8, 64, 13);
  for (int64_t samples : {0, 1, 5}) {
    SymmetricMatrix h = statisticsOf(randomMatrix(samples, 64, 14)).gram;
    Matrix back = gptq(w, h, int4Group, {.sweeps = 2}).dequantize();
    EXPECT_LE(layerError(w, back, h), layerError(w, roundToNearest(w, int4Group).dequantize(), h) + 1e-12);
    for (float value : back.values)
      EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(Refine, NeverMakesItWorse) {
  Matrix w = randomMatrix(12, 100, 15);
  SymmetricMatrix h = statisticsOf(unevenActivations(300, 100, 10, 2, 16)).gram;
  for (const QuantizationFormat &format : {int8Row, int4Group, uint4Group, uint8Row, float8Row,
                                           QuantizationFormat{.bits = 8, .group = QuantizationFormat::wholeMatrix}}) {
    QuantizedMatrix quantized = roundToNearest(w, format);
    double before = layerError(w, quantized.dequantize(), h);
    for (int sweep = 0; sweep < 3; ++sweep) {
      refine(w, h, quantized, 1);
      double after = layerError(w, quantized.dequantize(), h);
      EXPECT_LE(after, before * (1 + 1e-5)); // scales are rounded to floats
      before = after;
    }
  }
}

TEST(Awq, BeatsRoundingWhereInputsAreUneven) {
  Matrix w = randomMatrix(64, 128, 17);
  InputStatistics inputs = statisticsOf(unevenActivations(400, 128, 64, 2, 18));
  double nearest = layerError(w, roundToNearest(w, int4Group).dequantize(), inputs.gram);
  AwqResult scaled = awq(w, inputs, int4Group);
  EXPECT_GT(scaled.alpha, 0);
  EXPECT_LT(scaled.error, 0.8 * nearest);
  Matrix back = unscaleInputs(scaled.quantized.dequantize(), scaled.factors);
  EXPECT_DOUBLE_EQ(scaled.error, layerError(w, back, inputs.gram));
  AwqResult both = awq(w, inputs, int4Group, {.gptq = true, .gptqOptions = {.sweeps = 2}});
  EXPECT_LT(both.error, scaled.error);
}

TEST(Awq, HasAResultWhereMomentsAreNotFinite) {
  Matrix w = randomMatrix(4, 8, 23);
  for (double x : {double(INFINITY), double(NAN)}) {
    InputStatistics inputs = statisticsOf(randomMatrix(20, 8, 24));
    inputs.gram(3, 3) = inputs.absSum[3] = x;
    AwqResult result = awq(w, inputs, {CodeKind::Signed, 4, 4}, {.gptq = true});
    EXPECT_EQ(result.factors, std::vector<float>(8, 1.0f));
    EXPECT_EQ(result.quantized.codes.size(), 32u);
    EXPECT_TRUE(std::isinf(result.error));
  }
}

TEST(SmoothQuant, MovesTheRangeOfInputsToWeights) {
  Matrix w = randomMatrix(6, 3, 19);
  w(0, 0) = 4;
  std::vector<float> factors = smoothFactors({w}, {100, 0, 1}, 0.5);
  float largest = 0;
  for (int64_t r = 0; r < 6; ++r)
    largest = std::max(largest, std::fabs(w(r, 0)));
  EXPECT_FLOAT_EQ(factors[0], std::sqrt(100 / largest));
  EXPECT_EQ(factors[1], 1); // never seen
  Matrix there = scaleInputs(w, factors), back = unscaleInputs(there, factors);
  for (int64_t i = 0; i < int64_t(w.values.size()); ++i)
    EXPECT_NEAR(back.values[i], w.values[i], 1e-6);
}

TEST(BiasCorrection, KeepsTheMeanOutput) {
  Matrix w = randomMatrix(4, 32, 20), x = randomMatrix(50, 32, 21);
  for (float &value : x.values)
    value += 2;
  Matrix changed = roundToNearest(w, int4Group).dequantize();
  std::vector<double> mean = statisticsOf(x).mean();
  std::vector<float> correction = biasCorrection(w, changed, mean);
  for (int64_t r = 0; r < 4; ++r) {
    double before = 0, after = correction[r];
    for (int64_t c = 0; c < 32; ++c) {
      before += w(r, c) * mean[c];
      after += changed(r, c) * mean[c];
    }
    EXPECT_NEAR(before, after, 1e-5);
  }
}

} // namespace
} // namespace tenon::compress
