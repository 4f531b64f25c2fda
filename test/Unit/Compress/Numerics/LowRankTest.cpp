//===- LowRankTest.cpp - Singular values against their closed form --------===//
#include "tenon/Compress/Numerics/LowRank.h"
#include "Layers.h"
#include "tenon/Compress/Numerics/LayerError.h"
#include "gtest/gtest.h"

namespace tenon::compress {
namespace {

SymmetricMatrix identity(int64_t size) {
  SymmetricMatrix result(size);
  for (int64_t i = 0; i < size; ++i)
    result(i, i) = 1;
  return result;
}

/// Of every rank: the layer error of the factors is that of the dropped singular values, and plain SVD is not below it.
void expectClosedForm(ConstMatrixView w, const SymmetricMatrix &h) {
  LowRank whitened = LowRank::whitened(w, h), plain = LowRank::plain(w);
  int64_t most = std::max(whitened.maxRank(), int64_t(1));
  for (int64_t rank = 0; rank <= whitened.maxRank(); rank += std::max<int64_t>(1, most / 7)) {
    double error = layerErrorNorm(w, whitened.factors(rank).product(), h);
    EXPECT_NEAR(error, whitened.errorNorm(rank), 1e-4) << "rank " << rank;
    double other = layerErrorNorm(w, plain.factors(std::min(rank, plain.maxRank())).product(), h);
    EXPECT_GE(other, error - 1e-5) << "rank " << rank; // both are rounded to floats
  }
}

TEST(LowRank, PlainReachesItsClosedForm) {
  for (auto [out, in] : {std::pair(40, 24), std::pair(24, 40), std::pair(1, 9), std::pair(9, 1)}) {
    Matrix w = randomMatrix(out, in, 1);
    LowRank svd = LowRank::plain(w);
    ASSERT_EQ(svd.maxRank(), std::min(out, in));
    for (int64_t rank = 0; rank <= svd.maxRank(); ++rank)
      EXPECT_NEAR(layerErrorNorm(w, svd.factors(rank).product(), identity(in)), svd.errorNorm(rank), 1e-5);
  }
}

TEST(LowRank, WhitenedReachesItsClosedForm) {
  unsigned seed = 2;
  for (auto [out, in] : {std::pair(48, 32), std::pair(32, 48), std::pair(5, 60)})
    for (double decades : {0.0, 2.0, 4.0}) {
      expectClosedForm(randomMatrix(out, in, seed),
                       statisticsOf(unevenActivations(200, in, 12, decades, seed + 1)).gram);
      seed += 10;
    }
}

TEST(LowRank, WhitenedWithoutFullRank) {
  for (int64_t samples : {1, 4, 20})
    expectClosedForm(randomMatrix(24, 32, 100), statisticsOf(randomMatrix(samples, 32, 101)).gram);
  Matrix x = randomMatrix(200, 32, 102); // inputs that are always zero, or always equal
  for (int64_t r = 0; r < x.rows; ++r) {
    x(r, 3) = x(r, 17) = 0;
    x(r, 5) = x(r, 6);
  }
  expectClosedForm(randomMatrix(24, 32, 103), statisticsOf(x).gram);
}

TEST(LowRank, WithoutSamplesIsPlain) {
  Matrix w = randomMatrix(6, 8, 104);
  EXPECT_EQ(LowRank::whitened(w, SymmetricMatrix(8)).singularValues(), LowRank::plain(w).singularValues());
}

TEST(LowRank, FindsTheRankOfAProduct) {
  LowRankFactors thin{randomMatrix(30, 4, 105), randomMatrix(4, 20, 106)};
  LowRank svd = LowRank::plain(thin.product());
  EXPECT_EQ(svd.rankFor(1e-5), 4);
  EXPECT_EQ(svd.rankFor(1), 0);
  EXPECT_GT(svd.errorNorm(3), 1e-3);
  for (int64_t rank = 0; rank < 4; ++rank)
    EXPECT_EQ(svd.rankFor(svd.errorNorm(rank)), rank);
}

TEST(LowRank, OfZerosIsNothing) {
  LowRank svd = LowRank::plain(Matrix(4, 5));
  EXPECT_EQ(svd.errorNorm(0), 0);
  EXPECT_EQ(svd.rankFor(0), 0);
}

TEST(SplitSpatially, IsTheConvolutionAtFullRank) {
  const int64_t m = 4, c = 3, kh = 3, kw = 5;
  Matrix w = randomMatrix(m, c * kh * kw, 107);
  SplitConvolution split = splitSpatially(w.values.data(), m, c, kh, kw, 1e-6);
  ASSERT_LE(split.rank, std::min(c * kh, m * kw));
  for (int64_t o = 0; o < m; ++o)
    for (int64_t i = 0; i < c; ++i)
      for (int64_t y = 0; y < kh; ++y)
        for (int64_t x = 0; x < kw; ++x) {
          double sum = 0; // the kernel that the two in a row have
          for (int64_t r = 0; r < split.rank; ++r)
            sum += double(split.vertical[(r * c + i) * kh + y]) * split.horizontal[(o * split.rank + r) * kw + x];
          EXPECT_NEAR(sum, w(o, (i * kh + y) * kw + x), 1e-5);
        }
  EXPECT_EQ(splitSpatially(w.values.data(), m, c, kh, kw, int64_t(2)).rank, 2);
  EXPECT_GT(splitSpatially(w.values.data(), m, c, kh, kw, int64_t(2)).errorNorm, 0.1);
}

TEST(BreakEvenRank, CountsMultiplications) {
  EXPECT_EQ(breakEvenRank(384, 384), 192);
  EXPECT_EQ(breakEvenRank(1536, 384), 307);
}

} // namespace
} // namespace tenon::compress
