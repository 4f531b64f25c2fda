//===- PruningTest.cpp - Masks, weight updates, packed 2:4 ----------------===//
#include "tenon/Compress/Numerics/Pruning.h"
#include "Layers.h"
#include "tenon/Compress/Numerics/LayerError.h"
#include "gtest/gtest.h"

#include <bit>
#include <numeric>

namespace tenon::compress {
namespace {

const SparsityPattern twoOfFour = SparsityPattern::nOfM(2, 4), halfOfRow{.ratio = 0.5};

int64_t keptOf(const Mask &mask) { return std::accumulate(mask.begin(), mask.end(), int64_t(0)); }

TEST(MagnitudeMask, KeepsTheLargest) {
  Matrix w(2, 4);
  w.values = {1, -5, 2, 3, 10, 20, -30, 40};
  EXPECT_EQ(magnitudeMask(w, halfOfRow), (Mask{0, 1, 0, 1, 0, 0, 1, 1}));
  EXPECT_EQ(magnitudeMask(w, {.ratio = 0.5, .scope = SparsityPattern::Scope::Matrix}), (Mask{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(magnitudeMask(w, SparsityPattern::nOfM(1, 2)), (Mask{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(keptOf(magnitudeMask(w, {.ratio = 1})), 0);
  EXPECT_EQ(keptOf(magnitudeMask(w, {.ratio = 0})), 8);
}

TEST(MagnitudeMask, KeepsExactlyThePart) {
  Matrix w = randomMatrix(7, 30, 1); // 30 = 7 groups of four and two
  for (double ratio : {0.1, 0.25, 0.5, 0.9}) {
    EXPECT_EQ(keptOf(magnitudeMask(w, {.ratio = ratio})), 7 * (30 - int64_t(30 * ratio + 1e-9)));
    EXPECT_EQ(keptOf(magnitudeMask(w, {.ratio = ratio, .scope = SparsityPattern::Scope::Matrix})),
              210 - int64_t(210 * ratio + 1e-9));
  }
  EXPECT_EQ(keptOf(magnitudeMask(w, twoOfFour)), 7 * 16);
  EXPECT_TRUE(followsPattern(applyMask(w, magnitudeMask(w, twoOfFour)), 2, 4));
  EXPECT_FALSE(followsPattern(w, 2, 4));
}

TEST(WandaMask, CountsTheSizeOfInputs) {
  Matrix w(1, 4);
  w.values = {1, 2, 3, 4};
  SymmetricMatrix h(4);
  for (int64_t j = 0; j < 4; ++j)
    h(j, j) = j == 0 ? 100 : 1;
  EXPECT_EQ(wandaMask(w, h, halfOfRow), (Mask{1, 0, 0, 1}));
}

TEST(Masks, TakeWhatIsNotFinite) {
  Matrix w(1, 4);
  w.values = {std::numeric_limits<float>::quiet_NaN(), 1, std::numeric_limits<float>::infinity(), 2};
  EXPECT_EQ(magnitudeMask(w, halfOfRow), (Mask{0, 0, 1, 1}));
}

/// Magnitude, Wanda and SparseGPT on one layer, as errors relative to magnitude's.
void expectTwiceAsGood(const SparsityPattern &pattern) {
  Matrix w = randomMatrix(96, 128, 2);
  SymmetricMatrix h = statisticsOf(unevenActivations(600, 128, 32, 2, 3)).gram;
  double magnitude = layerErrorNorm(w, applyMask(w, magnitudeMask(w, pattern)), h);
  EXPECT_LT(layerErrorNorm(w, applyMask(w, wandaMask(w, h, pattern)), h), magnitude / 2);
  PrunedMatrix pruned = sparseGpt(w, h, pattern);
  EXPECT_LT(layerErrorNorm(w, pruned.weights, h), magnitude / 2);
  EXPECT_EQ(keptOf(pruned.mask), 96 * 64);
  EXPECT_NEAR(sparsity(pruned.weights), 0.5, 1e-9);
  PrunedMatrix fitted = sparseGpt(w, h, pattern, {.refitSteps = 20});
  EXPECT_LT(layerError(w, fitted.weights, h), layerError(w, pruned.weights, h));
  if (pattern.m)
    EXPECT_TRUE(followsPattern(pruned.weights, pattern.n, pattern.m));
}

TEST(Pruning, UnstructuredIsTwiceAsGoodAsMagnitude) { expectTwiceAsGood(halfOfRow); }
TEST(Pruning, TwoOfFourIsTwiceAsGoodAsMagnitude) { expectTwiceAsGood(twoOfFour); }

TEST(SparseGpt, OfTheWholeMatrix) {
  Matrix w = randomMatrix(16, 70, 4);
  SymmetricMatrix h = statisticsOf(randomMatrix(20, 70, 5)).gram; // not of full rank
  PrunedMatrix pruned = sparseGpt(w, h, {.ratio = 0.75, .scope = SparsityPattern::Scope::Matrix});
  EXPECT_EQ(keptOf(pruned.mask), 16 * 70 / 4);
}

TEST(RefitMasked, ReachesTheBestWeights) {
  // Enough steps solve it: the residual of kept weights is gone, (W - W') H under the mask = 0.
  Matrix w = randomMatrix(4, 24, 6);
  SymmetricMatrix h = statisticsOf(randomMatrix(200, 24, 7)).gram;
  Mask mask = magnitudeMask(w, twoOfFour);
  Matrix fitted = refitMasked(w, applyMask(w, mask), mask, h, 30);
  for (int64_t r = 0; r < 4; ++r)
    for (int64_t j = 0; j < 24; ++j) {
      if (!mask[r * 24 + j]) {
        EXPECT_EQ(fitted(r, j), 0);
        continue;
      }
      double slope = 0;
      for (int64_t k = 0; k < 24; ++k)
        slope += (double(w(r, k)) - fitted(r, k)) * h(k, j);
      EXPECT_NEAR(slope, 0, 1e-2); // of terms of size 200
    }
}

TEST(Packed2to4, IsTheDenseFormBitForBit) {
  Matrix w = applyMask(randomMatrix(9, 32, 8), magnitudeMask(randomMatrix(9, 32, 8), twoOfFour));
  w(0, 0) = w(0, 1) = w(0, 2) = w(0, 3) = 0; // none
  w(1, 0) = w(1, 1) = w(1, 2) = 0, w(1, 3) = -0.0f;
  w(2, 0) = w(2, 1) = w(2, 3) = 0, w(2, 2) = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(isPackable2to4(w));
  Packed2to4 packed = pack2to4(w);
  EXPECT_TRUE(isValid(packed));
  EXPECT_EQ(packed.values.size(), size_t(16 * 9));
  EXPECT_EQ(packed.indices.size(), size_t(8 * 9));
  Matrix back = packed.unpack();
  for (size_t i = 0; i < w.values.size(); ++i)
    EXPECT_EQ(std::bit_cast<uint32_t>(back.values[i]), std::bit_cast<uint32_t>(w.values[i]));
}

TEST(Packed2to4, LayoutIsThatOfTheOp) {
  Matrix w(1, 8);
  w.values = {0, 7, 0, 8, 9, 0, 0, 0};
  Packed2to4 packed = pack2to4(w);
  EXPECT_EQ(packed.values, (std::vector<float>{7, 8, 9, 0}));
  EXPECT_EQ(packed.indices, (std::vector<uint8_t>{1 | 3 << 2, 0 | 1 << 2}));
}

TEST(Packed2to4, RefusesOthers) {
  Matrix three(1, 4), odd(1, 6);
  three.values = {1, 2, 3, 0};
  EXPECT_FALSE(isPackable2to4(three));
  EXPECT_FALSE(isPackable2to4(odd));
  Packed2to4 packed = pack2to4(Matrix(1, 4));
  packed.indices[0] = 2 | 1 << 2;
  EXPECT_FALSE(isValid(packed));
  packed.indices[0] = 16 | 1;
  EXPECT_FALSE(isValid(packed));
}

} // namespace
} // namespace tenon::compress
