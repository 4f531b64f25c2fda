//===- TransposeTest.cpp - Transposes through shared memory ---------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

bool usesTile(const RegionCheck &check) { return llvm::StringRef(check.kernel.source).contains("tile[1056]"); }

TEST(CudaTranspose, GoesThroughSharedMemory) {
  RegionCheck check("tensor<?x?xf32, #graph.shape<[M, N]>>; tensor<?xf32, #graph.shape<[M]>>", R"(
    %2 = graph.transpose %0 {perm = array<i64: 1, 0>} : tensor<?x?xf32, #graph.shape<[M, N]>> -> tensor<?x?xf32, #graph.shape<[N, M]>>
    %3 = graph.add %2, %1 : (tensor<?x?xf32, #graph.shape<[N, M]>>, tensor<?xf32, #graph.shape<[M]>>) -> tensor<?x?xf32, #graph.shape<[N, M]>>
    graph.yield %3 : tensor<?x?xf32, #graph.shape<[N, M]>>)");
  EXPECT_TRUE(usesTile(check));
  for (auto [m, n] : {std::pair<int64_t, int64_t>{32, 32}, {33, 65}, {1, 70}, {40, 1}, {0, 5}})
    check.run({{"M", m}, {"N", n}});
}

TEST(CudaTranspose, JoinsNeighbours) {
  RegionCheck check("tensor<2x20x5x7xf32>", R"(
    %2 = graph.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : tensor<2x20x5x7xf32> -> tensor<2x5x7x20xf32>
    graph.yield %2 : tensor<2x5x7x20xf32>)");
  EXPECT_TRUE(usesTile(check));
  check.run();
  RegionCheck back("tensor<?x5x7x20xf32, #graph.shape<[N, 5, 7, 20]>>", R"(
    %2 = graph.transpose %0 {perm = array<i64: 0, 3, 1, 2>} : tensor<?x5x7x20xf32, #graph.shape<[N, 5, 7, 20]>> -> tensor<?x20x5x7xf32, #graph.shape<[N, 20, 5, 7]>>
    graph.yield %2 : tensor<?x20x5x7xf32, #graph.shape<[N, 20, 5, 7]>>)");
  EXPECT_TRUE(usesTile(back));
  back.run({{"N", 3}});
}

TEST(CudaTranspose, LeavesShortDimensionsAlone) {
  RegionCheck check("tensor<2x3x50x7xf32>", R"(
    %2 = graph.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : tensor<2x3x50x7xf32> -> tensor<2x50x7x3xf32>
    graph.yield %2 : tensor<2x50x7x3xf32>)");
  EXPECT_FALSE(usesTile(check));
  check.run();
}

} // namespace
} // namespace tenon::codegen
