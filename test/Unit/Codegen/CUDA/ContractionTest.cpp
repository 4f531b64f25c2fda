//===- ContractionTest.cpp - Products and convolutions on the virtual GPU -===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

TEST(CudaContraction, MultipliesMatrices) {
  RegionCheck check("tensor<?x?xf32, #graph.shape<[M, K]>>; tensor<?x5xf32, #graph.shape<[K, 5]>>; tensor<5xf32>", R"(
    %3 = graph.matmul %0, %1 : (tensor<?x?xf32, #graph.shape<[M, K]>>, tensor<?x5xf32, #graph.shape<[K, 5]>>) -> tensor<?x5xf32, #graph.shape<[M, 5]>>
    %4 = graph.add %3, %2 : (tensor<?x5xf32, #graph.shape<[M, 5]>>, tensor<5xf32>) -> tensor<?x5xf32, #graph.shape<[M, 5]>>
    %5 = graph.relu %4 : tensor<?x5xf32, #graph.shape<[M, 5]>> -> tensor<?x5xf32, #graph.shape<[M, 5]>>
    graph.yield %5 : tensor<?x5xf32, #graph.shape<[M, 5]>>)");
  check.run({{"M", 7}, {"K", 33}}, 1e-5);
  check.run({{"M", 1}, {"K", 1}});
  check.run({{"M", 3}, {"K", 0}});
}

/// Tails in every direction, vector loads, both orders of the weights, and an epilogue that reads by row and column.
TEST(CudaGemmSimt, MultipliesTiles) {
  RegionCheck check("tensor<?x?x36xf32, #graph.shape<[B, M, 36]>>; tensor<72x36xf32>; tensor<72xf32>; "
                    "tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>",
                    R"(
    %4 = graph.matmul %0, %1 {transpose_w} : (tensor<?x?x36xf32, #graph.shape<[B, M, 36]>>, tensor<72x36xf32>) -> tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>
    %5 = graph.add %4, %2 : (tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>, tensor<72xf32>) -> tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>
    %6 = graph.add %5, %3 : (tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>, tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>) -> tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>
    graph.yield %6 : tensor<?x?x72xf32, #graph.shape<[B, M, 72]>>)");
  EXPECT_TRUE(llvm::StringRef(check.kernel.source).contains("GemmSimt<64, 64, 16, 4, 4, 2, true>"));
  for (int64_t m : {1, 33, 64, 65})
    check.run({{"B", 2}, {"M", m}}, 2e-5);
  RegionCheck large("tensor<?x?xf32, #graph.shape<[M, K]>>; tensor<?x516xf32, #graph.shape<[K, 516]>>", R"(
    %4 = graph.matmul %0, %1 : (tensor<?x?xf32, #graph.shape<[M, K]>>, tensor<?x516xf32, #graph.shape<[K, 516]>>) -> tensor<?x516xf32, #graph.shape<[M, 516]>>
    graph.yield %4 : tensor<?x516xf32, #graph.shape<[M, 516]>>)");
  large.run({{"M", 130}, {"K", 37}}, 2e-5);
}

TEST(CudaGemmSimt, MultipliesBatches) {
  RegionCheck check("tensor<?x3x?x?xf32, #graph.shape<[B, 3, S, K]>>; tensor<?x3x?x?xf32, #graph.shape<[B, 3, K, N]>>; "
                    "tensor<?x1x1x?xf32, #graph.shape<[B, 1, 1, N]>>",
                    R"(
    %4 = graph.matmul %0, %1 : (tensor<?x3x?x?xf32, #graph.shape<[B, 3, S, K]>>, tensor<?x3x?x?xf32, #graph.shape<[B, 3, K, N]>>) -> tensor<?x3x?x?xf32, #graph.shape<[B, 3, S, N]>>
    %5 = graph.add %4, %2 : (tensor<?x3x?x?xf32, #graph.shape<[B, 3, S, N]>>, tensor<?x1x1x?xf32, #graph.shape<[B, 1, 1, N]>>) -> tensor<?x3x?x?xf32, #graph.shape<[B, 3, S, N]>>
    graph.yield %5 : tensor<?x3x?x?xf32, #graph.shape<[B, 3, S, N]>>)");
  EXPECT_TRUE(llvm::StringRef(check.kernel.source).contains("GemmSimt<"));
  check.run({{"B", 2}, {"S", 5}, {"K", 17}, {"N", 66}}, 2e-5);
  check.run({{"B", 1}, {"S", 70}, {"K", 16}, {"N", 3}}, 2e-5);
}

TEST(CudaContraction, BroadcastsBatches) {
  RegionCheck check("tensor<2x1x3x4xf32>; tensor<5x6x4xf32>", R"(
    %3 = graph.matmul %0, %1 {transpose_w} : (tensor<2x1x3x4xf32>, tensor<5x6x4xf32>) -> tensor<2x5x3x6xf32>
    graph.yield %3 : tensor<2x5x3x6xf32>)");
  check.run({}, 1e-5);
}

TEST(CudaContraction, MultipliesVectors) {
  RegionCheck check("tensor<4xf32>; tensor<2x4x3xf32>", R"(
    %3 = graph.matmul %0, %1 : (tensor<4xf32>, tensor<2x4x3xf32>) -> tensor<2x3xf32>
    graph.yield %3 : tensor<2x3xf32>)");
  check.run({}, 1e-5);
}

TEST(CudaContraction, ConvolvesBothLayouts) {
  RegionCheck last("tensor<?x9x7x6xf32, #graph.shape<[N, 9, 7, 6]>>; tensor<4x3x3x3xf32>; tensor<4xf32>", R"(
    %3 = graph.conv %0, %1, %2 {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, group = 2 : i64, channels_last} : (tensor<?x9x7x6xf32, #graph.shape<[N, 9, 7, 6]>>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x5x5x4xf32, #graph.shape<[N, 5, 5, 4]>>
    graph.yield %3 : tensor<?x5x5x4xf32, #graph.shape<[N, 5, 5, 4]>>)");
  last.run({{"N", 2}}, 1e-5);
  RegionCheck first("tensor<2x6x9x7xf32>; tensor<4x6x3x3xf32>", R"(
    %3 = graph.conv %0, %1 {strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<2x6x9x7xf32>, tensor<4x6x3x3xf32>) -> tensor<2x4x9x7xf32>
    graph.yield %3 : tensor<2x4x9x7xf32>)");
  first.run({}, 1e-5);
}

TEST(CudaContraction, ConvolvesTransposed) {
  RegionCheck check("tensor<2x4x5x3xf32>; tensor<4x3x3x2xf32>; tensor<6xf32>", R"(
    %3 = graph.conv_transpose %0, %1, %2 {strides = array<i64: 2, 3>, pads = array<i64: 1, 0, 0, 1>, dilations = array<i64: 2, 1>, output_padding = array<i64: 1, 0>, group = 2 : i64} : (tensor<2x4x5x3xf32>, tensor<4x3x3x2xf32>, tensor<6xf32>) -> tensor<2x6x13x7xf32>
    graph.yield %3 : tensor<2x6x13x7xf32>)");
  check.run({}, 1e-5);
}

} // namespace
} // namespace tenon::codegen
