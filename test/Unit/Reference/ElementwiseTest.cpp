//===- ElementwiseTest.cpp - Elementwise operations, casts, reductions ----===//
#include "ReferenceTest.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using ElementwiseTest = ReferenceTest;
static constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_F(ElementwiseTest, BroadcastsFromTheRight) {
  expect(R"(func.func @f(%a: tensor<2x1xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
    %0 = graph.sub %a, %b : (tensor<2x1xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  })",
         {f32({2, 1}, {10, 20}), f32({3}, {1, 2, 3})}, {2, 3}, {9, 8, 7, 19, 18, 17});
}

TEST_F(ElementwiseTest, ScalarsStayScalars) {
  expect(R"(func.func @f(%a: tensor<f32>) -> tensor<f32> {
    %0 = graph.sqrt %a : tensor<f32> -> tensor<f32>
    return %0 : tensor<f32>
  })",
         {f32({}, {9})}, {}, {3});
}

TEST_F(ElementwiseTest, EvaluatesErfAndRound) {
  expect(R"(func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
    %0 = graph.round %a : tensor<4xf32> -> tensor<4xf32>
    %1 = graph.erf %0 : tensor<4xf32> -> tensor<4xf32>
    return %1 : tensor<4xf32>
  })",
         {f32({4}, {0.5, 1.5, -0.2, -1.5})}, {4}, {0, std::erf(2.0), 0, std::erf(-2.0)}, 1e-7);
}

TEST_F(ElementwiseTest, IntegersAreExactAndWrap) {
  expect(R"(func.func @f(%a: tensor<2xi64>, %b: tensor<2xi64>) -> tensor<2xi64> {
    %0 = graph.mul %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
    %1 = graph.div %0, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
    return %1 : tensor<2xi64>
  })",
         {i64({2}, {-7, 1000000007}), i64({2}, {3, 1000000009})}, {2}, {-7, 1000000007});
  expect(R"(func.func @f(%a: tensor<2xi8>) -> tensor<2xi8> {
    %0 = graph.add %a, %a : (tensor<2xi8>, tensor<2xi8>) -> tensor<2xi8>
    return %0 : tensor<2xi8>
  })",
         {tensor(ElementType::I8, {2}, {100, -100})}, {2}, {-56, 56});
}

TEST_F(ElementwiseTest, ComparesAndSelects) {
  expect(R"(func.func @f(%a: tensor<3xf32>, %b: tensor<f32>) -> tensor<3xf32> {
    %0 = graph.less %a, %b : (tensor<3xf32>, tensor<f32>) -> tensor<3xi1>
    %1 = graph.where %0, %a, %b : (tensor<3xi1>, tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
    return %1 : tensor<3xf32>
  })",
         {f32({3}, {1, 5, -2}), f32({}, {2})}, {3}, {1, 2, -2});
}

TEST_F(ElementwiseTest, CastsTruncateAndTestForZero) {
  expect(R"(func.func @f(%a: tensor<3xf32>) -> tensor<3xi32> {
    %0 = graph.cast %a : tensor<3xf32> -> tensor<3xi32>
    return %0 : tensor<3xi32>
  })",
         {f32({3}, {1.9, -1.9, 0.5})}, {3}, {1, -1, 0});
  expect(R"(func.func @f(%a: tensor<3xf32>) -> tensor<3xi1> {
    %0 = graph.cast %a : tensor<3xf32> -> tensor<3xi1>
    return %0 : tensor<3xi1>
  })",
         {f32({3}, {0.25, 0, -1})}, {3}, {1, 0, 1});
}

TEST_F(ElementwiseTest, ReducesOverAxes) {
  expect(R"(func.func @f(%a: tensor<2x3x2xf32>) -> tensor<3xf32> {
    %0 = graph.reduce_sum %a {axes = array<i64: 0, 2>, keepdims = false} : tensor<2x3x2xf32> -> tensor<3xf32>
    return %0 : tensor<3xf32>
  })",
         {iota({2, 3, 2})}, {3}, {14, 22, 30});
  expect(R"(func.func @f(%a: tensor<2x3xf32>) -> tensor<2x1xf32> {
    %0 = graph.reduce_mean %a {axes = array<i64: 1>, keepdims = true} : tensor<2x3xf32> -> tensor<2x1xf32>
    return %0 : tensor<2x1xf32>
  })",
         {f32({2, 3}, {1, 2, 6, -1, -2, -3})}, {2, 1}, {3, -2});
}

TEST_F(ElementwiseTest, MaximumKeepsInfinitiesAndIntegersStayExact) {
  expect(R"(func.func @f(%a: tensor<2xf32>) -> tensor<f32> {
    %0 = graph.reduce_max %a {axes = array<i64: 0>, keepdims = false} : tensor<2xf32> -> tensor<f32>
    return %0 : tensor<f32>
  })",
         {f32({2}, {-infinity, -infinity})}, {}, {-infinity});
  HostTensor x = *HostTensor::allocate(ElementType::I64, {2});
  x.setInteger(0, (int64_t(1) << 53) + 1);
  x.setInteger(1, 2);
  HostTensor sum = run(R"(func.func @f(%a: tensor<2xi64>) -> tensor<i64> {
    %0 = graph.reduce_sum %a {axes = array<i64: 0>, keepdims = false} : tensor<2xi64> -> tensor<i64>
    return %0 : tensor<i64>
  })",
                       {x});
  ASSERT_TRUE(sum) << messages;
  EXPECT_EQ(sum.getInteger(0), (int64_t(1) << 53) + 3);
}

TEST_F(ElementwiseTest, ReducesNothingToTheNeutralElement) {
  StringRef text = R"(func.func @f(%a: tensor<0x2xi8>) -> tensor<2xi8> {
    %0 = graph.reduce_max %a {axes = array<i64: 0>, keepdims = false} : tensor<0x2xi8> -> tensor<2xi8>
    return %0 : tensor<2xi8>
  })";
  expect(text, {tensor(ElementType::I8, {0, 2}, {})}, {2}, {-128, -128});
}

TEST_F(ElementwiseTest, RefusesIntegersWhereThereIsNoMeaning) {
  expectError(R"(func.func @f(%a: tensor<2xi64>) -> tensor<2xi64> {
    %0 = graph.exp %a : tensor<2xi64> -> tensor<2xi64>
    return %0 : tensor<2xi64>
  })",
              {i64({2}, {1, 2})}, "TN2303: graph.exp: integer operands");
}

TEST_F(ElementwiseTest, RemaindersHaveTheSignAskedFor) {
  for (bool fmod : {false, true}) {
    std::string text = R"(func.func @f(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
      %0 = graph.mod %a, %b {fmod = )" +
                       std::string(fmod ? "true" : "false") + R"(} : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
      return %0 : tensor<4xi32>
    })";
    std::vector<double> expected = fmod ? std::vector<double>{-1, 1, 0, 0} : std::vector<double>{2, -2, 0, 0};
    expect(text, {tensor(ElementType::I32, {4}, {-7, 7, 6, 5}), tensor(ElementType::I32, {4}, {3, -3, 3, 0})}, {4},
           expected);
  }
}

TEST_F(ElementwiseTest, ShiftsKeepSignsAndEnd) {
  expect(R"(func.func @f(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
    %0 = graph.bit_shift %a, %b {left = false} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
    return %0 : tensor<4xi8>
  })",
         {tensor(ElementType::I8, {4}, {-8, 9, -1, 5}), tensor(ElementType::I8, {4}, {1, 2, -1, 9})}, {4},
         {-4, 2, -1, 0});
}

TEST_F(ElementwiseTest, UnsignedIntegersCompareAsSuch) {
  HostTensor large = *HostTensor::allocate(ElementType::U64, {1});
  large.setInteger(0, -1); // 2^64 - 1
  expect(R"(func.func @f(%a: tensor<1xui64>, %b: tensor<1xui64>) -> tensor<1xi1> {
    %0 = graph.greater %a, %b : (tensor<1xui64>, tensor<1xui64>) -> tensor<1xi1>
    return %0 : tensor<1xi1>
  })",
         {large, tensor(ElementType::U64, {1}, {3})}, {1}, {1});
}

TEST_F(ElementwiseTest, IntegerPowersAreExact) {
  expect(R"(func.func @f(%a: tensor<5xi64>, %b: tensor<5xi64>) -> tensor<5xi64> {
    %0 = graph.pow %a, %b : (tensor<5xi64>, tensor<5xi64>) -> tensor<5xi64>
    return %0 : tensor<5xi64>
  })",
         {i64({5}, {3, -2, -1, 2, 0}), i64({5}, {4, 3, -3, -1, 0})}, {5}, {81, -8, -1, 0, 1});
}

TEST_F(ElementwiseTest, FindsInfinitiesOfTheSignAskedFor) {
  expect(R"(func.func @f(%a: tensor<3xf32>) -> tensor<3xi1> {
    %0 = graph.is_inf %a {detect_negative = false, detect_positive = true} : tensor<3xf32> -> tensor<3xi1>
    return %0 : tensor<3xi1>
  })",
         {f32({3}, {infinity, -infinity, 1})}, {3}, {1, 0, 0});
}
