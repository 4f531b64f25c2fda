//===- NormalizationTest.cpp - Softmax and normalisations -----------------===//
#include "ReferenceTest.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using NormalizationTest = ReferenceTest;

TEST_F(NormalizationTest, SoftmaxRunsAlongAnInnerAxis) {
  double e = std::exp(1.0);
  expect(R"(func.func @f(%x: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> {
    %0 = graph.softmax %x {axis = 1 : i64} : tensor<1x2x2xf32> -> tensor<1x2x2xf32>
    return %0 : tensor<1x2x2xf32>
  })",
         {f32({1, 2, 2}, {0, 1000, 1, 1000})}, {1, 2, 2}, {1 / (1 + e), 0.5, e / (1 + e), 0.5}, 1e-7);
}

TEST_F(NormalizationTest, LogSoftmaxIsTheLogarithm) {
  double e = std::exp(1.0);
  expect(R"(func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = graph.log_softmax %x {axis = 0 : i64} : tensor<2xf32> -> tensor<2xf32>
    return %0 : tensor<2xf32>
  })",
         {f32({2}, {0, 1})}, {2}, {-std::log(1 + e), 1 - std::log(1 + e)}, 1e-6);
}

TEST_F(NormalizationTest, NormalisesTrailingDimensions) {
  double s = 1 / std::sqrt(1.25 + 0.75);
  expect(R"(func.func @f(%x: tensor<2x2x2xf32>, %s: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<2x2x2xf32> {
    %0 = graph.layer_normalization %x, %s, %b {axis = 1 : i64, epsilon = 0.75 : f64}
      : (tensor<2x2x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<2x2x2xf32>
    return %0 : tensor<2x2x2xf32>
  })",
         {f32({2, 2, 2}, {1, 2, 3, 4, 5, 5, 5, 5}), f32({2, 2}, {1, 1, 2, 2}), f32({2}, {10, 20})}, {2, 2, 2},
         {10 - 1.5 * s, 20 - 0.5 * s, 10 + s, 20 + 3 * s, 10, 20, 10, 20}, 1e-5);
}

TEST_F(NormalizationTest, NormalisesWithStoredStatistics) {
  expect(R"(func.func @f(%x: tensor<1x2x2xf32>, %s: tensor<2xf32>, %b: tensor<2xf32>, %m: tensor<2xf32>,
      %v: tensor<2xf32>) -> tensor<1x2x2xf32> {
    %0 = graph.batch_normalization %x, %s, %b, %m, %v {epsilon = 1.0 : f64}
      : (tensor<1x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x2xf32>
    return %0 : tensor<1x2x2xf32>
  })",
         {iota({1, 2, 2}), f32({2}, {2, 3}), f32({2}, {0, 1}), f32({2}, {1, 2}), f32({2}, {3, 8})}, {1, 2, 2},
         {-1, 0, 1, 2});
}
