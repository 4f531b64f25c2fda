//===- ContractionTest.cpp - Matrix products and convolutions -------------===//
#include "ReferenceTest.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using ContractionTest = ReferenceTest;

TEST_F(ContractionTest, MultipliesMatrices) {
  expect(R"(func.func @f(%a: tensor<2x3xf32>, %b: tensor<3x2xf32>) -> tensor<2x2xf32> {
    %0 = graph.matmul %a, %b : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
    return %0 : tensor<2x2xf32>
  })",
         {iota({2, 3}), iota({3, 2})}, {2, 2}, {10, 13, 28, 40});
}

TEST_F(ContractionTest, BroadcastsBatchesAndTransposes) {
  expect(R"(func.func @f(%a: tensor<2x1x1x2xf32>, %b: tensor<2x3x2xf32>) -> tensor<2x2x1x3xf32> {
    %0 = graph.matmul %a, %b {transpose_w} : (tensor<2x1x1x2xf32>, tensor<2x3x2xf32>) -> tensor<2x2x1x3xf32>
    return %0 : tensor<2x2x1x3xf32>
  })",
         {f32({2, 1, 1, 2}, {1, 10, 2, 20}), iota({2, 3, 2})}, {2, 2, 1, 3},
         {10, 32, 54, 76, 98, 120, 20, 64, 108, 152, 196, 240});
}

TEST_F(ContractionTest, VectorsLoseTheirDimension) {
  expect(R"(func.func @f(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<f32> {
    %0 = graph.matmul %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
    return %0 : tensor<f32>
  })",
         {iota({3}), iota({3})}, {}, {5});
  expect(R"(func.func @f(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2xf32> {
    %0 = graph.matmul %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  })",
         {iota({2, 3}), iota({3})}, {2}, {5, 14});
}

TEST_F(ContractionTest, BlocksAgreeWithTheDefinition) {
  HostTensor a = iota({7, 300}, ElementType::I64), b = iota({300, 70}, ElementType::I64);
  HostTensor y = run(R"(func.func @f(%a: tensor<7x300xi64>, %b: tensor<300x70xi64>) -> tensor<7x70xi64> {
    %0 = graph.matmul %a, %b : (tensor<7x300xi64>, tensor<300x70xi64>) -> tensor<7x70xi64>
    return %0 : tensor<7x70xi64>
  })",
                     {a, b});
  ASSERT_TRUE(y) << messages;
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < 70; ++j) {
      int64_t sum = 0;
      for (int64_t k = 0; k < 300; ++k)
        sum += (i * 300 + k) * (k * 70 + j);
      EXPECT_EQ(y.getInteger(i * 70 + j), sum);
    }
}

static constexpr llvm::StringLiteral strided =
    R"(func.func @f(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x2x2xf32>, %b: tensor<1xf32>) -> tensor<1x1x2x2xf32> {
    %0 = graph.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 0, 0>,
      dilations = array<i64: 1, 1>, group = 1 : i64}
      : (tensor<1x1x3x3xf32>, tensor<1x1x2x2xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32>
    return %0 : tensor<1x1x2x2xf32>
  })";

TEST_F(ContractionTest, ConvolvesWithStrideAndPadding) {
  // Padded rows: 0 0 0 0 / 0 0 1 2 / 0 3 4 5 / 0 6 7 8.
  expect(strided, {iota({1, 1, 3, 3}), f32({1, 1, 2, 2}, {1, 2, 3, 4}), f32({1}, {100})}, {1, 1, 2, 2},
         {100, 111, 130, 167});
}

TEST_F(ContractionTest, ConvolvesGroups) {
  expect(R"(func.func @f(%x: tensor<1x2x3xf32>, %w: tensor<4x1x2xf32>) -> tensor<1x4x1xf32> {
    %0 = graph.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 2>,
      group = 2 : i64} : (tensor<1x2x3xf32>, tensor<4x1x2xf32>) -> tensor<1x4x1xf32>
    return %0 : tensor<1x4x1xf32>
  })",
         {iota({1, 2, 3}), f32({4, 1, 2}, {1, 0, 0, 1, 1, 1, 2, 0})}, {1, 4, 1}, {0, 2, 8, 6});
}

TEST_F(ContractionTest, ChannelsLastIsTheSameConvolution) {
  HostTensor x = iota({2, 3, 4, 5}), w = iota({4, 3, 2, 2});
  StringRef first = R"(func.func @f(%x: tensor<2x3x4x5xf32>, %w: tensor<4x3x2x2xf32>) -> tensor<2x3x4x4xf32> {
    %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
      group = 1 : i64} : (tensor<2x3x4x5xf32>, tensor<4x3x2x2xf32>) -> tensor<2x4x3x4xf32>
    %1 = graph.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : tensor<2x4x3x4xf32> -> tensor<2x3x4x4xf32>
    return %1 : tensor<2x3x4x4xf32>
  })";
  StringRef last = R"(func.func @f(%x: tensor<2x3x4x5xf32>, %w: tensor<4x3x2x2xf32>) -> tensor<2x3x4x4xf32> {
    %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : tensor<2x3x4x5xf32> -> tensor<2x4x5x3xf32>
    %1 = graph.conv %0, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
      group = 1 : i64, channels_last} : (tensor<2x4x5x3xf32>, tensor<4x3x2x2xf32>) -> tensor<2x3x4x4xf32>
    return %1 : tensor<2x3x4x4xf32>
  })";
  HostTensor expected = run(first, {x, w}), found = run(last, {x, w});
  ASSERT_TRUE(expected && found) << messages;
  EXPECT_EQ(values(found), values(expected));
}

TEST_F(ContractionTest, TransposedConvolutionScatters) {
  expect(R"(func.func @f(%x: tensor<1x1x3xf32>, %w: tensor<1x2x2xf32>) -> tensor<1x2x6xf32> {
    %0 = graph.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 0, 1>, dilations = array<i64: 1>,
      output_padding = array<i64: 1>, group = 1 : i64}
      : (tensor<1x1x3xf32>, tensor<1x2x2xf32>) -> tensor<1x2x6xf32>
    return %0 : tensor<1x2x6xf32>
  })",
         {f32({1, 1, 3}, {1, 2, 3}), f32({1, 2, 2}, {1, 10, 100, 0})}, {1, 2, 6},
         {1, 10, 2, 20, 3, 30, 100, 0, 200, 0, 300, 0});
}

TEST_F(ContractionTest, TransposedConvolutionIsTheAdjoint) {
  // <conv(u, w), v> = <u, conv_transpose(v, w)> with the same attributes, for groups, strides, pads and dilations.
  HostTensor u = iota({2, 4, 7, 6}), v = iota({2, 6, 4, 2}), w = iota({6, 2, 2, 3});
  HostTensor y = run(R"(func.func @f(%u: tensor<2x4x7x6xf32>, %w: tensor<6x2x2x3xf32>) -> tensor<2x6x4x2xf32> {
    %0 = graph.conv %u, %w {strides = array<i64: 2, 3>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 2, 1>,
      group = 2 : i64} : (tensor<2x4x7x6xf32>, tensor<6x2x2x3xf32>) -> tensor<2x6x4x2xf32>
    return %0 : tensor<2x6x4x2xf32>
  })",
                     {u, w});
  HostTensor t = run(R"(func.func @f(%v: tensor<2x6x4x2xf32>, %w: tensor<6x2x2x3xf32>) -> tensor<2x4x7x6xf32> {
    %0 = graph.conv_transpose %v, %w {strides = array<i64: 2, 3>, pads = array<i64: 1, 1, 1, 1>,
      dilations = array<i64: 2, 1>, output_padding = array<i64: 0, 2>, group = 2 : i64}
      : (tensor<2x6x4x2xf32>, tensor<6x2x2x3xf32>) -> tensor<2x4x7x6xf32>
    return %0 : tensor<2x4x7x6xf32>
  })",
                     {v, w});
  ASSERT_TRUE(y && t) << messages;
  double left = 0, right = 0;
  for (int64_t i = 0; i < y.getNumElements(); ++i)
    left += y.getDouble(i) * v.getDouble(i);
  for (int64_t i = 0; i < u.getNumElements(); ++i)
    right += u.getDouble(i) * t.getDouble(i);
  EXPECT_NE(left, 0);
  EXPECT_EQ(left, right);
}

TEST_F(ContractionTest, BudgetEndsInAnError) {
  EvaluateOptions options;
  options.memoryBudget = 64;
  expectError(strided, {iota({1, 1, 3, 3}), iota({1, 1, 2, 2}), f32({1}, {0})}, "TN2301: graph.conv", options);
}

TEST_F(ContractionTest, SymbolicInnerExtentsMustAgreeAtRunTime) {
  expectError(R"(func.func @f(%a: tensor<?x?xf32, #graph.shape<[M, K]>>, %b: tensor<?x?xf32, #graph.shape<[L, N]>>)
      -> tensor<?x?xf32, #graph.shape<[M, N]>> {
    %0 = graph.matmul %a, %b : (tensor<?x?xf32, #graph.shape<[M, K]>>, tensor<?x?xf32, #graph.shape<[L, N]>>)
      -> tensor<?x?xf32, #graph.shape<[M, N]>>
    return %0 : tensor<?x?xf32, #graph.shape<[M, N]>>
  })",
              {iota({2, 3}), iota({4, 5})}, "TN2302: graph.matmul: [2, 3] does not multiply [4, 5]");
}
