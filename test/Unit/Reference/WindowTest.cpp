//===- WindowTest.cpp - Pools and resampling ------------------------------===//
#include "ReferenceTest.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

using WindowTest = ReferenceTest;

TEST_F(WindowTest, MaximumIgnoresPadding) {
  expect(R"(func.func @f(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
    %0 = graph.max_pool %x {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
      dilations = array<i64: 1, 1>, ceil_mode = false} : tensor<1x1x2x2xf32> -> tensor<1x1x2x2xf32>
    return %0 : tensor<1x1x2x2xf32>
  })",
         {f32({1, 1, 2, 2}, {-1, -2, -3, -4})}, {1, 1, 2, 2}, {-1, -2, -3, -4});
}

TEST_F(WindowTest, MaximumPropagatesNaN) {
  HostTensor y = run(R"(func.func @f(%x: tensor<1x1x3xf32>) -> tensor<1x1x1xf32> {
    %0 = graph.max_pool %x {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 0, 0>,
      dilations = array<i64: 1>, ceil_mode = false} : tensor<1x1x3xf32> -> tensor<1x1x1xf32>
    return %0 : tensor<1x1x1xf32>
  })",
                     {f32({1, 1, 3}, {1, std::numeric_limits<double>::quiet_NaN(), 3})});
  ASSERT_TRUE(y) << messages;
  EXPECT_TRUE(std::isnan(y.getDouble(0)));
}

TEST_F(WindowTest, CeilModeDropsWindowsInTheEndPadding) {
  // Windows start at 0, 2 and 4 of the padded input; one at 6 would start in the end padding.
  expect(R"(func.func @f(%x: tensor<1x5x1xf32>) -> tensor<1x3x1xf32> {
    %0 = graph.max_pool %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 2>,
      dilations = array<i64: 1>, ceil_mode = true, channels_last} : tensor<1x5x1xf32> -> tensor<1x3x1xf32>
    return %0 : tensor<1x3x1xf32>
  })",
         {iota({1, 5, 1})}, {1, 3, 1}, {1, 3, 4});
}

static std::string average(bool includePad, bool ceil, int64_t out) {
  std::string type = "tensor<1x1x" + std::to_string(out) + "xf32>";
  return "func.func @f(%x: tensor<1x1x4xf32>) -> " + type +
         " { %0 = graph.average_pool %x {kernel = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 1, 0>, "
         "dilations = array<i64: 1>, ceil_mode = " +
         (ceil ? "true" : "false") + ", count_include_pad = " + (includePad ? "true" : "false") +
         "} : tensor<1x1x4xf32> -> " + type + "\n return %0 : " + type + " }";
}

TEST_F(WindowTest, AverageDividesByWhatItCounts) {
  HostTensor x = f32({1, 1, 4}, {6, 12, 18, 24});
  expect(average(false, false, 2), {x}, {1, 1, 2}, {6, 15});
  expect(average(true, false, 2), {x}, {1, 1, 2}, {3, 15});
  // The third window of ceil mode sticks out of the padded input: what lies beyond is never counted.
  expect(average(true, true, 3), {x}, {1, 1, 3}, {3, 15, 24});
}

static std::string resize(int64_t in, int64_t out, StringRef attributes) {
  std::string from = "tensor<" + std::to_string(in) + "xf32>", to = "tensor<" + std::to_string(out) + "xf32>";
  return "func.func @f(%x: " + from + ") -> " + to + " { %0 = graph.resize %x {" + attributes.str() + "} : " + from +
         " -> " + to + "\n return %0 : " + to + " }";
}

TEST_F(WindowTest, ResamplesNearest) {
  HostTensor x = f32({4}, {1, 2, 3, 4});
  expect(resize(4, 8, R"(scales = array<f64: 2.0>, mode = "nearest", coordinates = "asymmetric", rounding = "floor")"),
         {x}, {8}, {1, 1, 2, 2, 3, 3, 4, 4});
  // Centres of pairs lie at 0.5 and 2.5.
  expect(resize(4, 2, R"(mode = "nearest", coordinates = "half_pixel", rounding = "round_prefer_floor")"), {x}, {2},
         {1, 3});
  expect(resize(4, 2, R"(mode = "nearest", coordinates = "half_pixel", rounding = "round_prefer_ceil")"), {x}, {2},
         {2, 4});
}

TEST_F(WindowTest, ResamplesLinearly) {
  HostTensor x = f32({2}, {0, 4});
  expect(resize(2, 4, R"(scales = array<f64: 2.0>, mode = "linear", coordinates = "half_pixel", rounding = "floor")"),
         {x}, {4}, {0, 1, 3, 4});
  expect(resize(2, 3, R"(mode = "linear", coordinates = "align_corners", rounding = "floor")"), {x}, {3}, {0, 2, 4});
  expect(resize(2, 1, R"(mode = "linear", coordinates = "pytorch_half_pixel", rounding = "floor")"), {x}, {1}, {0});
}

TEST_F(WindowTest, ResamplesSeveralAxes) {
  expect(R"(func.func @f(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x3x4xf32> {
    %0 = graph.resize %x {mode = "linear", coordinates = "align_corners", rounding = "floor"}
      : tensor<1x1x2x2xf32> -> tensor<1x1x3x4xf32>
    return %0 : tensor<1x1x3x4xf32>
  })",
         {f32({1, 1, 2, 2}, {0, 3, 6, 9})}, {1, 1, 3, 4}, {0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9}, 1e-6);
}
