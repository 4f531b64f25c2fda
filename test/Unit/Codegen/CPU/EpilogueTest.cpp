//===- EpilogueTest.cpp - Elementwise ops after a heavy op ----------------===//
#include "CompiledKernel.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

class Epilogue : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!canRun(GetParam()))
      GTEST_SKIP() << "this processor does not run " << GetParam();
  }
};

// y = relu(x w + bias + residual), the residual of the result's shape.
TEST_P(Epilogue, bias_residual_relu_of_a_product) {
  auto kernel = CompiledKernel::create(R"(
func.func @f(%x: tensor<?x5x24xf32, #graph.shape<[B, 5, 24]>>, %w: tensor<24x40xf32>, %bias: tensor<40xf32>, %r: tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>) -> tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>> {
  %y = graph.dispatch(%x, %w, %bias, %r) {
  ^bb0(%a: tensor<?x5x24xf32, #graph.shape<[B, 5, 24]>>, %b: tensor<24x40xf32>, %c: tensor<40xf32>, %d: tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>):
    %0 = graph.matmul %a, %b : (tensor<?x5x24xf32, #graph.shape<[B, 5, 24]>>, tensor<24x40xf32>) -> tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
    %1 = graph.add %0, %c : (tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>, tensor<40xf32>) -> tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
    %2 = graph.add %d, %1 : (tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>, tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>) -> tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
    %3 = graph.relu %2 : tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>> -> tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
    graph.yield %3 : tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
  } : (tensor<?x5x24xf32, #graph.shape<[B, 5, 24]>>, tensor<24x40xf32>, tensor<40xf32>, tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>) -> tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
  return %y : tensor<?x5x40xf32, #graph.shape<[B, 5, 40]>>
})",
                                       GetParam(), {1});
  ASSERT_TRUE(kernel);
  for (int64_t batch : {1, 4, 31}) {
    const int64_t rows = batch * 5;
    Floats x = randomFloats(rows * 24, 1), w = randomFloats(24 * 40, 2), bias = randomFloats(40, 3),
           r = randomFloats(rows * 40, 4);
    Floats got = kernel->run({x, w, bias, r}, {{"B", batch}});
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t n = 0; n < 40; ++n) {
        double sum = bias[n] + r[m * 40 + n];
        for (int64_t i = 0; i < 24; ++i)
          sum += double(x[m * 24 + i]) * w[i * 40 + n];
        ASSERT_NEAR(got[m * 40 + n], std::max(sum, 0.0), 1e-4) << m << ", " << n;
      }
  }
}

// A scale that broadcasts along the rows: y[b, m, n] = (x w)[b, m, n] * s[b, m, 1].
TEST_P(Epilogue, operand_that_broadcasts_along_the_last_dimension) {
  auto kernel = CompiledKernel::create(R"(
func.func @f(%x: tensor<3x7x8xf32>, %w: tensor<3x8x33xf32>, %s: tensor<3x7x1xf32>) -> tensor<3x7x33xf32> {
  %y = graph.dispatch(%x, %w, %s) {
  ^bb0(%a: tensor<3x7x8xf32>, %b: tensor<3x8x33xf32>, %c: tensor<3x7x1xf32>):
    %0 = graph.matmul %a, %b : (tensor<3x7x8xf32>, tensor<3x8x33xf32>) -> tensor<3x7x33xf32>
    %1 = graph.mul %0, %c : (tensor<3x7x33xf32>, tensor<3x7x1xf32>) -> tensor<3x7x33xf32>
    graph.yield %1 : tensor<3x7x33xf32>
  } : (tensor<3x7x8xf32>, tensor<3x8x33xf32>, tensor<3x7x1xf32>) -> tensor<3x7x33xf32>
  return %y : tensor<3x7x33xf32>
})",
                                       GetParam(), {});
  ASSERT_TRUE(kernel);
  Floats x = randomFloats(3 * 7 * 8, 1), w = randomFloats(3 * 8 * 33, 2), s = randomFloats(21, 3);
  Floats got = kernel->run({x, w, s}, {});
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t m = 0; m < 7; ++m)
      for (int64_t n = 0; n < 33; ++n) {
        double sum = 0;
        for (int64_t i = 0; i < 8; ++i)
          sum += double(x[(b * 7 + m) * 8 + i]) * w[(b * 8 + i) * 33 + n];
        ASSERT_NEAR(got[(b * 7 + m) * 33 + n], sum * s[b * 7 + m], 1e-4);
      }
}

// Small groups take the plain strategy, whose vectors have one lane.
TEST_P(Epilogue, relu_of_a_grouped_convolution) {
  auto kernel = CompiledKernel::create(R"(
func.func @f(%x: tensor<1x4x4x4xf32>, %w: tensor<6x2x1x1xf32>) -> tensor<1x4x4x6xf32> {
  %y = graph.dispatch(%x, %w) {
  ^bb0(%a: tensor<1x4x4x4xf32>, %b: tensor<6x2x1x1xf32>):
    %0 = graph.conv %a, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 2 : i64, channels_last} : (tensor<1x4x4x4xf32>, tensor<6x2x1x1xf32>) -> tensor<1x4x4x6xf32>
    %1 = graph.relu %0 : tensor<1x4x4x6xf32> -> tensor<1x4x4x6xf32>
    graph.yield %1 : tensor<1x4x4x6xf32>
  } : (tensor<1x4x4x4xf32>, tensor<6x2x1x1xf32>) -> tensor<1x4x4x6xf32>
  return %y : tensor<1x4x4x6xf32>
})",
                                       GetParam(), {1});
  ASSERT_TRUE(kernel);
  Floats x = randomFloats(64, 1), w = randomFloats(12, 2);
  Floats got = kernel->run({x, w}, {});
  for (int64_t p = 0; p < 16; ++p)
    for (int64_t m = 0; m < 6; ++m) {
      const float *at = x.data() + p * 4 + m / 3 * 2;
      ASSERT_NEAR(got[p * 6 + m], std::max(0.0f, at[0] * w[m * 2] + at[1] * w[m * 2 + 1]), 1e-5);
    }
}

INSTANTIATE_TEST_SUITE_P(Archs, Epilogue, testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) { return std::string(info.param).back() == '3' ? "v3" : "v4"; });

} // namespace
} // namespace tenon::codegen
