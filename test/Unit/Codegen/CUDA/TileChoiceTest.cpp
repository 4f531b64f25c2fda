//===- TileChoiceTest.cpp - Which tile a product takes --------------------===//
#include "Templates/TileChoice.h"

#include "Graph/IR/GraphDialect.h"
#include <gtest/gtest.h>

namespace tenon::codegen::cuda {
namespace {

using graph::DimAttr;

/// Large, middle, small: the larger, the more of the issue slots multiply.
const TileCandidate tiles[] = {
    {128, 64, 8, 256, 120, 12544, 0.86}, {64, 64, 16, 256, 100, 16896, 0.8}, {16, 32, 8, 32, 128, 3328, 0.8}};

class TileChoiceTest : public testing::Test {
protected:
  TileChoiceTest() {
    context.loadDialect<graph::GraphDialect>();
    cost.device = *cost::findDevice("h100");
    target.cost = &cost;
  }

  DimAttr number(int64_t value) { return DimAttr::constant(&context, value); }
  TileChoice choose(DimAttr m, int64_t n, int64_t k, int64_t batch = 1) {
    return chooseTile("gemm_simt", {number(batch), m, number(n), number(k)}, tiles, target);
  }

  mlir::MLIRContext context;
  cost::Context cost;
  CudaTarget target;
};

TEST_F(TileChoiceTest, LargeProductsTakeLargeTiles) {
  TileChoice choice = choose(number(4096), 4096, 4096);
  EXPECT_EQ(choice.index, 0u);
  EXPECT_EQ(choice.tactic.name, "gemm_simt 128x64x8");
  EXPECT_EQ(choice.tactic.family, "gemm_simt");
}

TEST_F(TileChoiceTest, FewRowsTakeTilesThatFillTheDevice) {
  // 16 x 768: 6 blocks of the large tile, 24 of the small one, whose rows are all used.
  EXPECT_EQ(choose(number(16), 768, 768).index, 2u);
}

TEST_F(TileChoiceTest, ABatchFillsTheDeviceToo) {
  EXPECT_EQ(choose(number(256), 256, 1024, 1).index, 2u);
  EXPECT_EQ(choose(number(256), 256, 1024, 512).index, 0u);
}

TEST_F(TileChoiceTest, SymbolsHaveTheExtentsOfTheCompilation) {
  DimAttr rows = DimAttr::symbol(&context, "N");
  cost.symbols["N"] = 16;
  EXPECT_EQ(choose(rows, 768, 768).index, 2u);
  cost.symbols["N"] = 16384;
  EXPECT_EQ(choose(rows, 768, 768).index, 0u);
}

TEST_F(TileChoiceTest, TheReasonNamesDeviceProblemAndAlternatives) {
  std::string why = choose(number(4096), 4096, 4096).tactic.why;
  EXPECT_EQ(why.find("on h100 at batch 1, m 4096, n 4096, k 4096: "), 0u) << why;
  EXPECT_NE(why.find(" us predicted; 64x64x16 "), why.npos) << why;
  EXPECT_NE(why.find(", 16x32x8 "), why.npos) << why;
}

TEST_F(TileChoiceTest, TheOneThatIsAskedForIsTaken) {
  target.tactic = "gemm_simt 16x32x8";
  TileChoice choice = choose(number(4096), 4096, 4096);
  EXPECT_EQ(choice.index, 2u);
  EXPECT_EQ(choice.tactic.name, "gemm_simt 16x32x8");
  EXPECT_NE(choice.tactic.why.find(" us predicted; 128x64x8 "), std::string::npos) << choice.tactic.why;
  target.tactic = "conv_simt 16x32x8";
  EXPECT_EQ(choose(number(4096), 4096, 4096).index, 0u) << "of another template";
}

TEST_F(TileChoiceTest, NothingIsPredictedForNoRows) { EXPECT_EQ(choose(number(0), 768, 768).index, 0u); }

} // namespace
} // namespace tenon::codegen::cuda
