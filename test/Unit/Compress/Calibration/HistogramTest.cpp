//===- HistogramTest.cpp --------------------------------------------------===//
#include "tenon/Compress/CalibrationHistogram.h"
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace tenon::compress;

static std::vector<float> draw(size_t count, float scale, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.1f, scale);
  std::vector<float> values(count);
  for (float &x : values)
    x = normal(random);
  return values;
}

/// What the bins of a histogram with this reach would count.
static std::vector<uint64_t> countDirectly(std::span<const float> values, double width) {
  std::vector<uint64_t> bins(Histogram::numBins);
  for (float x : values)
    if (std::isfinite(x))
      ++bins[size_t(std::floor(double(x) / width) + Histogram::numBins / 2)];
  return bins;
}

TEST(Histogram, counts_each_value_in_its_bin) {
  const std::vector<float> values = draw(10001, 3, 1);
  Histogram histogram;
  histogram.add(values);
  EXPECT_EQ(histogram.count(), 10001);
  EXPECT_EQ(histogram.min(), *std::min_element(values.begin(), values.end()));
  EXPECT_EQ(histogram.max(), *std::max_element(values.begin(), values.end()));
  EXPECT_NEAR(histogram.mean(), std::accumulate(values.begin(), values.end(), 0.0) / 10001, 1e-9);
  EXPECT_EQ(std::vector(histogram.counts().begin(), histogram.counts().end()),
            countDirectly(values, histogram.width()));
}

TEST(Histogram, growing_gives_what_one_addition_gives) {
  Histogram whole, parts;
  std::vector<float> all;
  for (float scale : {0.001f, 1.0f, 0.1f, 300.0f}) {
    const std::vector<float> values = draw(1000, scale, unsigned(scale * 1000));
    parts.add(values);
    all.insert(all.end(), values.begin(), values.end());
  }
  whole.add(all);
  EXPECT_EQ(whole.reach(), parts.reach());
  EXPECT_TRUE(std::equal(whole.counts().begin(), whole.counts().end(), parts.counts().begin()));
}

TEST(Histogram, merging_gives_what_one_addition_gives) {
  const std::vector<float> small = draw(777, 0.01f, 3), large = draw(555, 50, 4);
  Histogram a, b, merged, whole;
  a.add(small), b.add(large), merged.merge(a), merged.merge(b);
  whole.add(small), whole.add(large);
  EXPECT_TRUE(std::equal(whole.counts().begin(), whole.counts().end(), merged.counts().begin()));
  EXPECT_EQ(whole.min(), merged.min());
  EXPECT_EQ(whole.count(), merged.count());
  b.merge(a);
  EXPECT_TRUE(std::equal(whole.counts().begin(), whole.counts().end(), b.counts().begin()));
}

TEST(Histogram, infinities_and_nan_are_counted_apart) {
  const float inf = std::numeric_limits<float>::infinity();
  Histogram histogram;
  histogram.add(std::vector<float>{1, inf, -inf, std::nanf(""), -2});
  EXPECT_EQ(histogram.count(), 2);
  EXPECT_EQ(histogram.nonFinite(), 3);
  EXPECT_EQ(histogram.min(), -2);
  EXPECT_EQ(histogram.max(), 1);
  EXPECT_EQ(std::accumulate(histogram.counts().begin(), histogram.counts().end(), uint64_t(0)), 2u);
}

TEST(Histogram, zeros_and_extremes_have_a_bin) {
  Histogram histogram;
  histogram.add(std::vector<float>(5, 0.0f));
  EXPECT_EQ(histogram.count(), 5);
  histogram.add(std::vector<float>{std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                                   std::numeric_limits<float>::denorm_min()});
  EXPECT_EQ(std::accumulate(histogram.counts().begin(), histogram.counts().end(), uint64_t(0)), 8u);
  EXPECT_EQ(histogram.counts()[Histogram::numBins / 2], 6u);
}

TEST(Histogram, magnitudes_fold_both_signs) {
  Histogram histogram;
  histogram.add(std::vector<float>{1.5f, -1.5f, 0.25f});
  const std::vector<uint64_t> folded = histogram.magnitudes();
  EXPECT_EQ(std::accumulate(folded.begin(), folded.end(), uint64_t(0)), 3u);
  EXPECT_EQ(histogram.reach(), 2);
  EXPECT_EQ(folded[size_t(0.25 / histogram.width())], 1u);
}
