//===- RangeTest.cpp ------------------------------------------------------===//
//
// Ranges from histograms against the same search on the values themselves.
//
//===----------------------------------------------------------------------===//
#include "tenon/Compress/CalibrationHistogram.h"
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace tenon::compress;

namespace {
struct Sample {
  const char *name;
  std::vector<float> values;
};
} // namespace

/// Distributions as activations have them.
static std::vector<Sample> drawSamples() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::exponential_distribution<float> exponential;
  std::vector<Sample> samples(4);
  samples[0].name = "normal", samples[1].name = "rectified", samples[2].name = "outliers", samples[3].name = "skewed";
  for (int i = 0; i < 20000; ++i) {
    const float x = normal(random);
    samples[0].values.push_back(x);
    samples[1].values.push_back(std::max(x, 0.0f));
    samples[2].values.push_back(i % 2000 ? x : 40 * x);
    samples[3].values.push_back(exponential(random) - 0.3f);
  }
  return samples;
}

/// The mean squared error of real rounding.
static double measureError(const std::vector<float> &values, ValueRange range, unsigned bits) {
  const double steps = std::ldexp(1.0, int(bits)) - (range.low == -range.high ? 2 : 1);
  const double step = (range.high - range.low) / steps;
  const double zero = std::round(-range.low / step);
  double sum = 0;
  for (float x : values) {
    const double q = std::clamp(std::nearbyint(double(x) / step) + zero, 0.0, steps);
    sum += ((q - zero) * step - x) * ((q - zero) * step - x);
  }
  return sum / double(values.size());
}

TEST(ChooseRange, min_max_covers_all) {
  Histogram histogram;
  histogram.add(std::vector<float>{-1, 3});
  ValueRange range = chooseRange(histogram, {});
  EXPECT_EQ(range.low, -1);
  EXPECT_EQ(range.high, 3);
  range = chooseRange(histogram, {.symmetric = true});
  EXPECT_EQ(range.low, -3);
  Histogram positive;
  positive.add(std::vector<float>{1, 3});
  EXPECT_EQ(chooseRange(positive, {}).low, 0) << "zero is always inside";
  EXPECT_EQ(chooseRange(Histogram(), {}).high, 0);
}

TEST(ChooseRange, percentile_is_that_of_the_values_within_a_bin) {
  for (Sample &sample : drawSamples())
    for (double percentile : {99.0, 99.9, 99.99}) {
      Histogram histogram;
      histogram.add(sample.values);
      std::vector<float> sorted = sample.values, magnitudes;
      for (float x : sorted)
        magnitudes.push_back(std::fabs(x));
      std::sort(sorted.begin(), sorted.end());
      std::sort(magnitudes.begin(), magnitudes.end());
      const double count = double(sorted.size()), outside = (1 - percentile / 100) / 2 * count;
      const ValueRange both = chooseRange(histogram, {RangeMethod::Percentile, 8, true, percentile});
      const size_t rank = size_t(std::ceil(percentile / 100 * count - 1e-9)) - 1;
      EXPECT_NEAR(both.high, magnitudes[rank], histogram.width()) << sample.name << " " << percentile;
      const ValueRange range = chooseRange(histogram, {RangeMethod::Percentile, 8, false, percentile});
      EXPECT_NEAR(range.low, std::min(sorted[size_t(outside)], 0.0f), histogram.width()) << sample.name;
      EXPECT_NEAR(range.high, sorted[sorted.size() - 1 - size_t(outside)], histogram.width()) << sample.name;
    }
}

TEST(ChooseRange, mean_square_is_within_a_percent_of_an_exhaustive_search) {
  for (Sample &sample : drawSamples())
    for (unsigned bits : {4u, 8u}) {
      Histogram histogram;
      histogram.add(sample.values);
      const ValueRange full = chooseRange(histogram, {RangeMethod::MinMax, bits, true});
      double least = measureError(sample.values, full, bits);
      for (int i = 1; i < 400; ++i)
        least = std::min(least, measureError(sample.values, {full.low * i / 400, full.high * i / 400}, bits));
      const ValueRange found = chooseRange(histogram, {RangeMethod::MeanSquare, bits, true});
      EXPECT_LE(measureError(sample.values, found, bits), least * 1.01) << sample.name << " " << bits;
    }
}

TEST(ChooseRange, mean_square_of_two_ends_is_within_a_percent_of_an_exhaustive_search) {
  for (Sample &sample : drawSamples()) {
    Histogram histogram;
    histogram.add(sample.values);
    const ValueRange full = chooseRange(histogram, {});
    double least = measureError(sample.values, full, 4);
    for (int i = 1; i <= 60; ++i)
      for (int j = full.low < 0 ? 1 : 60; j <= 60; ++j)
        least = std::min(least, measureError(sample.values, {full.low * j / 60, full.high * i / 60}, 4));
    const ValueRange found = chooseRange(histogram, {RangeMethod::MeanSquare, 4, false});
    EXPECT_LE(measureError(sample.values, found, 4), least * 1.01) << sample.name;
  }
}

TEST(ChooseRange, errors_from_bins_are_those_of_the_values) {
  for (Sample &sample : drawSamples()) {
    Histogram histogram;
    histogram.add(sample.values);
    for (double part : {0.2, 0.6, 1.0}) {
      ValueRange range = chooseRange(histogram, {});
      range = {range.low * part, range.high * part};
      const double measured = measureError(sample.values, range, 6);
      EXPECT_NEAR(estimateError(histogram, range, 6), measured, 0.05 * measured) << sample.name << " " << part;
    }
  }
}

TEST(ChooseRange, entropy_clips_outliers_and_little_else) {
  for (Sample &sample : drawSamples()) {
    Histogram histogram;
    histogram.add(sample.values);
    const ValueRange full = chooseRange(histogram, {});
    const ValueRange range = chooseRange(histogram, {RangeMethod::Entropy, 8, false});
    EXPECT_LE(range.high, full.high);
    EXPECT_GE(range.low, full.low);
    EXPECT_GT(range.high, 1.0) << sample.name;
    if (sample.name == std::string("outliers")) {
      EXPECT_LT(range.high, full.high / 2);
    }
  }
}
