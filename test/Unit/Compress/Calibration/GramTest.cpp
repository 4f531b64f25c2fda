//===- GramTest.cpp -------------------------------------------------------===//
#include "tenon/Compress/CalibrationGram.h"
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace tenon::compress;

static std::vector<float> draw(size_t count) {
  std::mt19937 random{unsigned(count)};
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &x : values)
    x = normal(random);
  return values;
}

static void expectGram(const GramMatrix &gram, const std::vector<float> &rows, int64_t stride) {
  const int64_t depth = gram.depth(), count = int64_t(rows.size()) / stride;
  for (int64_t i = 0; i < depth; ++i)
    for (int64_t j = 0; j < depth; ++j) {
      double sum = 0;
      for (int64_t r = 0; r < count; ++r)
        sum += double(rows[size_t(r * stride + i)]) * rows[size_t(r * stride + j)];
      ASSERT_NEAR(gram.at(i, j), sum, 1e-4 * double(count)) << i << " " << j;
    }
}

TEST(GramMatrix, sums_products_of_columns) {
  for (int64_t depth : {1, 7, 16, 33, 70})
    for (int64_t count : {1, 255, 600}) {
      const std::vector<float> rows = draw(size_t(depth * count));
      GramMatrix gram(depth);
      gram.add(rows.data(), count, depth);
      EXPECT_EQ(gram.rows(), count);
      expectGram(gram, rows, depth);
    }
}

TEST(GramMatrix, parts_merge) {
  const std::vector<float> rows = draw(20 * 300);
  GramMatrix first(20), second(20);
  first.add(rows.data(), 100, 20);
  second.add(rows.data() + 2000, 200, 20);
  first.merge(second);
  expectGram(first, rows, 20);
  const InputStatistics statistics = first.statistics();
  EXPECT_EQ(statistics.samples, 300);
  EXPECT_EQ(statistics.gram(3, 17), double(first.at(17, 3)));
  double sum = 0, magnitudes = 0;
  for (size_t r = 0; r < 300; ++r)
    sum += rows[r * 20 + 5], magnitudes += std::fabs(rows[r * 20 + 5]);
  EXPECT_NEAR(statistics.sum[5], sum, 1e-9);
  EXPECT_NEAR(statistics.absSum[5], magnitudes, 1e-9);
}

TEST(GramMatrix, rows_with_infinities_are_left_out) {
  std::vector<float> rows = {1, 2, INFINITY, 3, 4, 5};
  GramMatrix gram(2);
  gram.add(rows.data(), 3, 2);
  EXPECT_EQ(gram.rows(), 2);
  EXPECT_EQ(gram.at(0, 1), 1 * 2 + 4 * 5);
}

TEST(GramMatrix, rows_whose_squares_leave_f32_are_left_out) {
  std::vector<float> rows = {1, 2, -1e20f, 3, 4, 5, 6, 2e15f, 1e15f, 0};
  GramMatrix gram(2);
  gram.add(rows.data(), 5, 2);
  EXPECT_EQ(gram.rows(), 3);
  EXPECT_EQ(gram.at(0, 1), 1 * 2 + 4 * 5);
  EXPECT_NEAR(gram.at(0, 0), 1e30, 1e24);
  EXPECT_EQ(gram.statistics().absMax[1], 5);
}

/// Patches of a padded, strided, dilated convolution of two groups, one by one.
TEST(GramMatrix, patches_are_what_a_convolution_multiplies) {
  const std::vector<int64_t> dims = {2, 6, 7, 8};
  const Window window{{3, 2}, {2, 1}, {1, 0, 2, 1}, {1, 2}, 2};
  const std::vector<float> x = draw(2 * 6 * 7 * 8);
  std::vector<GramMatrix> grams(2, GramMatrix(3 * 3 * 2));
  addPatches(grams, x.data(), dims, window);
  const int64_t height = (7 + 1 + 2 - 3) / 2 + 1, width = (8 + 0 + 1 - 3) / 1 + 1;
  EXPECT_EQ(grams[0].rows(), 2 * height * width);
  for (int64_t g = 0; g < 2; ++g) {
    std::vector<float> rows;
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t y = 0; y < height; ++y)
        for (int64_t z = 0; z < width; ++z)
          for (int64_t c = 0; c < 3; ++c)
            for (int64_t ky = 0; ky < 3; ++ky)
              for (int64_t kz = 0; kz < 2; ++kz) {
                const int64_t row = y * 2 - 1 + ky, column = z + kz * 2;
                const bool isInside = row >= 0 && row < 7 && column >= 0 && column < 8;
                rows.push_back(isInside ? x[size_t(((n * 6 + g * 3 + c) * 7 + row) * 8 + column)] : 0);
              }
    expectGram(grams[size_t(g)], rows, 18);
  }
}
