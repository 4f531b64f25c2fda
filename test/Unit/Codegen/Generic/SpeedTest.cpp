//===- SpeedTest.cpp - Times of generic kernels, on request ---------------===//
//
// CodegenGenericTests --gtest_also_run_disabled_tests --gtest_filter=*Speed*: one thread, in microseconds and GB/s.
//
//===----------------------------------------------------------------------===//
#include "RegionCheck.h"
#include <cstdio>
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {} // namespace

static void time(const char *name, llvm::StringRef operands, llvm::StringRef body, double bytes, int times = 200) {
  RegionCheck check(operands, body);
  ASSERT_TRUE(check.supported);
  double seconds = check.measure({}, times);
  std::printf("%-28s %9.1f us %7.1f GB/s\n", name, seconds * 1e6, bytes / seconds / 1e9);
}

namespace {

TEST(GenericSpeed, DISABLED_Kernels) {
  const double mb = 4 * 512 * 768;
  std::string x = "tensor<512x768xf32>";
  const char *only = std::getenv("TENON_SPEED");
  auto time = [&](const char *name, llvm::StringRef operands, llvm::StringRef body, double bytes) {
    if (!only || llvm::StringRef(only) == name)
      codegen::time(name, operands, body, bytes);
  };
  auto unary = [&](const char *op) {
    return llvm::formatv("%r = graph.{0} %0 : {1} -> {1}\ngraph.yield %r : {1}", op, x).str();
  };
  time("relu", x, unary("relu"), 2 * mb);
  time("exp", x, unary("exp"), 2 * mb);
  time("erf", x, unary("erf"), 2 * mb);
  time("tanh", x, unary("tanh"), 2 * mb);
  time("sigmoid", x, unary("sigmoid"), 2 * mb);
  time("bias", x + "; tensor<768xf32>",
       llvm::formatv("%r = graph.add %0, %1 : ({0}, tensor<768xf32>) -> {0}\ngraph.yield %r : {0}", x).str(), 2 * mb);
  time("softmax", x,
       llvm::formatv("%r = graph.softmax %0 {{axis = 1 : i64} : {0} -> {0}\ngraph.yield %r : {0}", x).str(), 2 * mb);
  time("layer norm", x + "; tensor<768xf32>; tensor<768xf32>",
       llvm::formatv("%r = graph.layer_normalization %0, %1, %2 {{axis = 1 : i64, epsilon = 1.0e-5 : f64} : ({0}, "
                     "tensor<768xf32>, tensor<768xf32>) -> {0}\ngraph.yield %r : {0}",
                     x)
           .str(),
       2 * mb);
  time("row max", x,
       llvm::formatv("%r = graph.reduce_max %0 {{axes = array<i64: 1>, keepdims = true} : {0} -> "
                     "tensor<512x1xf32>\ngraph.yield %r : tensor<512x1xf32>",
                     x)
           .str(),
       mb);
  time("row sum", x,
       llvm::formatv("%r = graph.reduce_sum %0 {{axes = array<i64: 1>, keepdims = true} : {0} -> "
                     "tensor<512x1xf32>\ngraph.yield %r : tensor<512x1xf32>",
                     x)
           .str(),
       mb);
  time("transpose", x,
       llvm::formatv("%r = graph.transpose %0 {{perm = array<i64: 1, 0>} : {0} -> tensor<768x512xf32>\ngraph.yield %r "
                     ": tensor<768x512xf32>",
                     x)
           .str(),
       2 * mb);
  time("heads 0213", "tensor<4x128x12x64xf32>",
       "%r = graph.transpose %0 {perm = array<i64: 0, 2, 1, 3>} : tensor<4x128x12x64xf32> -> "
       "tensor<4x12x128x64xf32>\ngraph.yield %r : tensor<4x12x128x64xf32>",
       2 * mb);
  time("heads 0231", "tensor<4x128x12x64xf32>",
       "%r = graph.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : tensor<4x128x12x64xf32> -> "
       "tensor<4x12x64x128xf32>\ngraph.yield %r : tensor<4x12x64x128xf32>",
       2 * mb);
  time("image to channels last", "tensor<1x3x224x224xf32>",
       "%r = graph.transpose %0 {perm = array<i64: 0, 2, 3, 1>} : tensor<1x3x224x224xf32> -> "
       "tensor<1x224x224x3xf32>\ngraph.yield %r : tensor<1x224x224x3xf32>",
       8.0 * 3 * 224 * 224);
  time("max pool 3x3/2", "tensor<1x112x112x64xf32>",
       "%r = graph.max_pool %0 {kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>, "
       "dilations = array<i64: 1, 1>, ceil_mode = false, channels_last} : tensor<1x112x112x64xf32> -> "
       "tensor<1x56x56x64xf32>\ngraph.yield %r : tensor<1x56x56x64xf32>",
       4.0 * 64 * (112 * 112 + 56 * 56));
  time("mean over pixels", "tensor<1x7x7x2048xf32>",
       "%r = graph.reduce_mean %0 {axes = array<i64: 1, 2>, keepdims = true} : tensor<1x7x7x2048xf32> -> "
       "tensor<1x1x1x2048xf32>\ngraph.yield %r : tensor<1x1x1x2048xf32>",
       4.0 * 49 * 2048);
  time("upsample 2x", "tensor<1x40x40x64xf32>",
       "%r = graph.resize %0 {scales = array<f64: 1.0, 2.0, 2.0, 1.0>, mode = \"nearest\", coordinates = "
       "\"asymmetric\", rounding = \"floor\"} : tensor<1x40x40x64xf32> -> tensor<1x80x80x64xf32>\ngraph.yield %r : "
       "tensor<1x80x80x64xf32>",
       4.0 * 64 * 5 * 1600);
  time("concat channels", "tensor<1x80x80x64xf32>; tensor<1x80x80x32xf32>",
       "%r = graph.concat %0, %1 {axis = 3 : i64} : (tensor<1x80x80x64xf32>, tensor<1x80x80x32xf32>) -> "
       "tensor<1x80x80x96xf32>\ngraph.yield %r : tensor<1x80x80x96xf32>",
       8.0 * 96 * 6400);
  time("embedding", "tensor<30522x768xf32>; tensor<512xi64>",
       "%r = graph.gather %0, %1 {axis = 0 : i64} : (tensor<30522x768xf32>, tensor<512xi64>) -> "
       "tensor<512x768xf32>\ngraph.yield %r : tensor<512x768xf32>",
       2 * mb);
}

} // namespace
} // namespace tenon::codegen
