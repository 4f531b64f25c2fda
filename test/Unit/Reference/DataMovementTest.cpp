//===- DataMovementTest.cpp - Shapes, copies, selection, generators -------===//
#include "ReferenceTest.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using DataMovementTest = ReferenceTest;

TEST_F(DataMovementTest, Transposes) {
  expect(R"(func.func @f(%x: tensor<2x3x2xi64>) -> tensor<2x2x3xi64> {
    %0 = graph.transpose %x {perm = array<i64: 2, 0, 1>} : tensor<2x3x2xi64> -> tensor<2x2x3xi64>
    return %0 : tensor<2x2x3xi64>
  })",
         {iota({2, 3, 2}, ElementType::I64)}, {2, 2, 3}, {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11});
}

TEST_F(DataMovementTest, ReshapesAndExpands) {
  expect(R"(func.func @f(%x: tensor<2xf32>) -> tensor<2x2x3xf32> {
    %0 = graph.reshape %x : tensor<2xf32> -> tensor<2x1xf32>
    %1 = graph.expand %0 : tensor<2x1xf32> -> tensor<2x2x3xf32>
    return %1 : tensor<2x2x3xf32>
  })",
         {iota({2})}, {2, 2, 3}, {0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1});
}

TEST_F(DataMovementTest, Concatenates) {
  expect(R"(func.func @f(%x: tensor<2x1xf32>, %y: tensor<2x2xf32>) -> tensor<2x3xf32> {
    %0 = graph.concat %x, %y {axis = 1 : i64} : (tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  })",
         {f32({2, 1}, {7, 8}), iota({2, 2})}, {2, 3}, {7, 0, 1, 8, 2, 3});
}

TEST_F(DataMovementTest, SlicesBackwardsFromASymbol) {
  expect(R"(func.func @f(%x: tensor<?x2xf32, #graph.shape<[N, 2]>>) -> tensor<2x1xf32> {
    %0 = graph.slice %x from <[N + -1, 1]> {steps = array<i64: -2, 1>}
      : tensor<?x2xf32, #graph.shape<[N, 2]>> -> tensor<2x1xf32>
    return %0 : tensor<2x1xf32>
  })",
         {iota({4, 2})}, {2, 1}, {7, 3});
}

static constexpr llvm::StringLiteral slice = R"(func.func @f(%x: tensor<?xf32, #graph.shape<[N]>>) -> tensor<3xf32> {
    %0 = graph.slice %x from <[1]> {steps = array<i64: 1>}
      : tensor<?xf32, #graph.shape<[N]>> -> tensor<3xf32>
    return %0 : tensor<3xf32>
  })";

TEST_F(DataMovementTest, SlicesMayNotLeaveTheTensor) {
  expect(slice, {iota({4})}, {3}, {1, 2, 3});
  expectError(slice, {iota({3})}, "TN2302: graph.slice: 3 elements from 1 in steps of 1 leave axis 0 of extent 3");
}

static std::string pad(StringRef mode) {
  return ("func.func @f(%x: tensor<1x3xf32>) -> tensor<2x7xf32> { %0 = graph.pad %x {begins = array<i64: 0, 2>, "
          "ends = array<i64: 1, 2>, mode = \"" +
          mode + "\", value = 9.0 : f64} : tensor<1x3xf32> -> tensor<2x7xf32>\n return %0 : tensor<2x7xf32> }")
      .str();
}

TEST_F(DataMovementTest, Pads) {
  HostTensor x = f32({1, 3}, {1, 2, 3});
  expect(pad("constant"), {x}, {2, 7}, {9, 9, 1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9});
  expect(pad("edge"), {x}, {2, 7}, {1, 1, 1, 2, 3, 3, 3, 1, 1, 1, 2, 3, 3, 3});
  expect(pad("reflect"), {x}, {2, 7}, {3, 2, 1, 2, 3, 2, 1, 3, 2, 1, 2, 3, 2, 1});
}

TEST_F(DataMovementTest, GathersRowsAndClampsIndices) {
  expect(R"(func.func @f(%x: tensor<2x3xf32>, %i: tensor<4xi64>) -> tensor<2x4xf32> {
    %0 = graph.gather %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x4xf32>
    return %0 : tensor<2x4xf32>
  })",
         {iota({2, 3}), i64({4}, {2, -3, 99, -99})}, {2, 4}, {2, 0, 2, 0, 5, 3, 5, 3});
}

TEST_F(DataMovementTest, GathersScalars) {
  expect(R"(func.func @f(%x: tensor<3xi64>, %i: tensor<i64>) -> tensor<i64> {
    %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
    return %0 : tensor<i64>
  })",
         {i64({3}, {5, 6, 7}), i64({}, {1})}, {}, {6});
}

TEST_F(DataMovementTest, GeneratesFromSymbols) {
  HostTensor x = iota({3, 5});
  expect(R"(func.func @f(%x: tensor<?x?xf32, #graph.shape<[N, M]>>) -> tensor<2xi64> {
    %0 = graph.dims <[N * M, M + -1]> : tensor<2xi64>
    return %0 : tensor<2xi64>
  })",
         {x}, {2}, {15, 4});
  expect(R"(func.func @f(%x: tensor<?x?xf32, #graph.shape<[N, M]>>) -> tensor<?xf32, #graph.shape<[N]>> {
    %0 = graph.range <M> step -2 : tensor<?xf32, #graph.shape<[N]>>
    return %0 : tensor<?xf32, #graph.shape<[N]>>
  })",
         {x}, {3}, {5, 3, 1});
}

TEST_F(DataMovementTest, ReadsConstants) {
  expect(R"(func.func @f() -> tensor<2x2xf16> {
    %0 = graph.constant dense<[[1.5, 2.0], [3.0, 4.0]]> : tensor<2x2xf16>
    return %0 : tensor<2x2xf16>
  })",
         {}, {2, 2}, {1.5, 2, 3, 4});
}
