//===- WindowTest.cpp - Pooling and resampling ----------------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

struct PoolCase {
  const char *kernel, *strides, *pads, *dilations;
  bool ceil;
  const char *result; ///< extents of H and W
};

const PoolCase poolCases[] = {
    {"3, 3", "2, 2", "1, 1, 1, 1", "1, 1", false, "(H + -1) floordiv 2 + 1, (W + -1) floordiv 2 + 1"},
    {"2, 2", "2, 2", "0, 0, 0, 0", "1, 1", false, "(H + -2) floordiv 2 + 1, (W + -2) floordiv 2 + 1"},
    {"5, 5", "1, 1", "2, 2, 2, 2", "1, 1", false, "H, W"},
    {"2, 2", "1, 1", "0, 0, 0, 0", "2, 2", false, "H + -2, W + -2"},
};

std::string poolBody(const PoolCase &c, bool isMax, bool channelsLast, bool includePad) {
  std::string x = channelsLast ? "tensor<?x?x?x20xf32, #graph.shape<[N, H, W, 20]>>"
                               : "tensor<?x20x?x?xf32, #graph.shape<[N, 20, H, W]>>";
  std::string y = channelsLast ? llvm::formatv("tensor<?x?x?x20xf32, #graph.shape<[N, {0}, 20]>>", c.result).str()
                               : llvm::formatv("tensor<?x20x?x?xf32, #graph.shape<[N, 20, {0}]>>", c.result).str();
  std::string extra = isMax ? "" : (includePad ? ", count_include_pad = true" : ", count_include_pad = false");
  if (channelsLast)
    extra += ", channels_last";
  return x + "|" +
         llvm::formatv("%r = graph.{0} %0 {{kernel = array<i64: {1}>, strides = array<i64: {2}>, pads = array<i64: "
                       "{3}>, dilations = array<i64: {4}>, ceil_mode = {5}{6}} : {7} -> {8}\ngraph.yield %r : {8}",
                       isMax ? "max_pool" : "average_pool", c.kernel, c.strides, c.pads, c.dilations,
                       c.ceil ? "true" : "false", extra, x, y)
             .str();
}

TEST(GenericWindow, Pools) {
  for (const PoolCase &c : poolCases)
    for (bool channelsLast : {false, true})
      for (int kind : {0, 1, 2}) {
        std::string text = poolBody(c, kind == 0, channelsLast, kind == 2);
        auto [operands, body] = llvm::StringRef(text).split('|');
        SCOPED_TRACE(body.str());
        RegionCheck check(operands, body);
        check.run({{"N", 2}, {"H", 9}, {"W", 11}});
        check.run({{"N", 1}, {"H", 40}, {"W", 37}});
      }
}

TEST(GenericWindow, PoolsWithCeilMode) {
  // 6 -> floor((6 - 3 + 1) / 2) + 1 = 3: the last window starts at 4 and ends beyond the input.
  for (const char *op : {"max_pool", "average_pool"}) {
    std::string extra = llvm::StringRef(op) == "max_pool" ? "" : ", count_include_pad = false";
    RegionCheck check("tensor<1x3x6x6xf32>", llvm::formatv(R"(
      %r = graph.{0} %0 {{kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = true{1}} : tensor<1x3x6x6xf32> -> tensor<1x3x3x3xf32>
      graph.yield %r : tensor<1x3x3x3xf32>)",
                                                           op, extra)
                                                 .str());
    check.run();
  }
}

TEST(GenericWindow, PoolsBytes) {
  RegionCheck check("tensor<1x8x8x5xui8>", R"(
    %r = graph.max_pool %0 {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode = false, channels_last} : tensor<1x8x8x5xui8> -> tensor<1x4x4x5xui8>
    graph.yield %r : tensor<1x4x4x5xui8>)");
  check.low = 0, check.high = 256;
  check.run();
}

// No scale here has ties where the reference's double precision rounds otherwise than f32.
TEST(GenericWindow, ResizesNearest) {
  for (const char *coordinates : {"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"})
    for (const char *rounding : {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"})
      for (const char *scale : {"2.0", "0.63", "1.37"}) {
        std::string y = scale[0] == '2' ? "14x22" : scale[0] == '0' ? "4x6" : "9x15";
        std::string body = llvm::formatv(R"(
          %r = graph.resize %0 {{scales = array<f64: 1.0, {0}, {0}, 1.0>, mode = "nearest", coordinates = "{1}", rounding = "{2}"} : tensor<2x7x11x5xf32> -> tensor<2x{3}x5xf32>
          graph.yield %r : tensor<2x{3}x5xf32>)",
                                         scale, coordinates, rounding, y)
                               .str();
        SCOPED_TRACE(body);
        RegionCheck("tensor<2x7x11x5xf32>", body).run();
      }
}

TEST(GenericWindow, ResizesLinear) {
  for (const char *coordinates : {"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"})
    for (const char *shape : {"13x20", "4x5", "1x1"}) {
      std::string body = llvm::formatv(R"(
        %r = graph.resize %0 {{mode = "linear", coordinates = "{0}", rounding = "floor"} : tensor<2x3x7x11xf32> -> tensor<2x3x{1}xf32>
        graph.yield %r : tensor<2x3x{1}xf32>)",
                                       coordinates, shape)
                             .str();
      SCOPED_TRACE(body);
      RegionCheck("tensor<2x3x7x11xf32>", body).run({}, 1e-5);
    }
}

} // namespace
} // namespace tenon::codegen
