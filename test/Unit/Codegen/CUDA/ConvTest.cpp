//===- ConvTest.cpp - Convolutions by template on the virtual GPU ---------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

bool contains(const RegionCheck &check, llvm::StringRef text) {
  return llvm::StringRef(check.kernel.source).contains(text);
}

/// `result` = conv of %0 and %1 (and %2), channels last.
std::string conv(llvm::StringRef result, llvm::StringRef operands, llvm::StringRef types, llvm::StringRef attributes) {
  return ("%10 = graph.conv " + operands + " {" + attributes + ", channels_last} : (" + types + ") -> " + result + "\n")
      .str();
}

/// Strides, pads of unequal sides, dilation, a first layer's three channels, a bias and a residual.
TEST(CudaConv, IsAProductOfPatches) {
  const char *y = "tensor<?x5x5x20xf32, #graph.shape<[N, 5, 5, 20]>>";
  const char *types = "tensor<?x9x7x3xf32, #graph.shape<[N, 9, 7, 3]>>, tensor<20x3x3x3xf32>, tensor<20xf32>";
  std::string body = conv(y, "%0, %1, %2", types,
                          "strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, "
                          "group = 1 : i64") +
                     "%11 = graph.add %10, %3 : (" + y + ", " + y + ") -> " + y + "\n%12 = graph.relu %11 : " + y +
                     " -> " + y + "\ngraph.yield %12 : " + y;
  std::string operands = std::string("tensor<?x9x7x3xf32, #graph.shape<[N, 9, 7, 3]>>; tensor<20x3x3x3xf32>; "
                                     "tensor<20xf32>; ") +
                         y;
  RegionCheck check(operands, body, {}, /*packs=*/true);
  EXPECT_TRUE(contains(check, "GemmSimt<64, 64, 16, 4, 4, 2, false>"));
  EXPECT_TRUE(contains(check, "patches(x, shape)"));
  for (int64_t n : {1, 3})
    check.run({{"N", n}}, 1e-5);
}

/// Many pixels and few channels: the cost model picks a tile of its own.
TEST(CudaConv, OfFewChannelsHasANarrowTile) {
  const char *x = "tensor<?x33x31x4xf32, #graph.shape<[N, 33, 31, 4]>>", *w = "tensor<18x4x3x3xf32>",
             *y = "tensor<?x33x31x18xf32, #graph.shape<[N, 33, 31, 18]>>";
  RegionCheck check(std::string(x) + "; " + w,
                    conv(y, "%0, %1", std::string(x) + ", " + w,
                         "strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, "
                         "group = 1 : i64") +
                        "graph.yield %10 : " + y,
                    {}, /*packs=*/true);
  EXPECT_TRUE(contains(check, "GemmSimt<128, 32, 16, 4, 4, 2, false>")) << check.kernel.source;
  check.run({{"N", 1}}, 1e-5);
}

TEST(CudaConv, OfOnePixelIsAProduct) {
  const char *types = "tensor<2x5x4x12xf32>, tensor<72x12x1x1xf32>, tensor<72xf32>";
  RegionCheck check("tensor<2x5x4x12xf32>; tensor<72x12x1x1xf32>; tensor<72xf32>",
                    conv("tensor<2x5x4x72xf32>", "%0, %1, %2", types,
                         "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
                         "group = 1 : i64") +
                        "graph.yield %10 : tensor<2x5x4x72xf32>",
                    {}, /*packs=*/true);
  EXPECT_TRUE(contains(check, "rowMajor(x, int(m), int(k))"));
  check.run({}, 1e-5);
  // Pads behind make more results than pixels.
  RegionCheck padded("tensor<2x5x4x12xf32>; tensor<8x12x1x1xf32>",
                     conv("tensor<2x6x4x8xf32>", "%0, %1", "tensor<2x5x4x12xf32>, tensor<8x12x1x1xf32>",
                          "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 0>, dilations = array<i64: 1, 1>, "
                          "group = 1 : i64") +
                         "graph.yield %10 : tensor<2x6x4x8xf32>",
                     {}, /*packs=*/true);
  EXPECT_TRUE(contains(padded, "patches(x, shape)"));
  padded.run({}, 1e-5);
}

TEST(CudaConv, OfOneFilterPerChannel) {
  for (auto [channels, width] : {std::pair("24", "Depthwise<float, 4"), {"6", "Depthwise<float, 2"}}) {
    std::string c = channels, x = "tensor<2x7x9x" + c + "xf32>", w = "tensor<" + c + "x1x3x5xf32>",
                b = "tensor<" + c + "xf32>", y = "tensor<2x4x5x" + c + "xf32>";
    RegionCheck check(x + "; " + w + "; " + b,
                      conv(y, "%0, %1, %2", x + ", " + w + ", " + b,
                           "strides = array<i64: 2, 2>, pads = array<i64: 1, 2, 1, 2>, dilations = array<i64: 1, 1>, "
                           "group = " +
                               c + " : i64") +
                          "graph.yield %10 : " + y,
                      {}, /*packs=*/true);
    EXPECT_TRUE(contains(check, width));
    check.run({}, 1e-5);
  }
}

/// Halves and bfloat16 on tensor cores; results are rounded once.
TEST(CudaConv, SumsHalvesInFloat) {
  for (auto [type, tolerance] : {std::pair("f16", 2e-3), {"bf16", 1.5e-2}}) {
    std::string t = type, x = "tensor<2x6x5x8x" + t + ">", w = "tensor<24x8x3x3x" + t + ">", b = "tensor<24x" + t + ">",
                y = "tensor<2x6x5x24x" + t + ">";
    RegionCheck check(x + "; " + w + "; " + b,
                      conv(y, "%0, %1, %2", x + ", " + w + ", " + b,
                           "strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, "
                           "group = 1 : i64") +
                          "%11 = graph.sigmoid %10 : " + y + " -> " + y + "\ngraph.yield %11 : " + y,
                      {}, /*packs=*/true);
    EXPECT_TRUE(contains(check, "GemmMma<"));
    check.run({}, tolerance);
  }
}

/// By wgmma on sm_90a, where pixels are whole chunks of 16 bytes and there are enough filters.
TEST(CudaConv, OfManyFiltersTakesWgmma) {
  struct {
    const char *type, *channels, *kernel, *attributes, *expected;
    double tolerance;
  } cases[] = {
      {"f16", "72", "3x3", "strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>",
       "ConvWgmma<half, ", 2e-3},
      {"bf16", "16", "1x1", "strides = array<i64: 2, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>",
       "ConvWgmma<bfloat16, ", 1.5e-2},
      {"f16", "12", "3x3", "strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>",
       "GemmMma<half, ", 2e-3},
  };
  for (const auto &c : cases) {
    std::string t = c.type, columns = c.kernel[0] == '3' ? "5" : "7",
                x = "tensor<?x9x7x" + std::string(c.channels) + "x" + t + ", #graph.shape<[N, 9, 7, " + c.channels +
                    "]>>",
                w = "tensor<72x" + std::string(c.channels) + "x" + c.kernel + "x" + t + ">", b = "tensor<72x" + t + ">",
                y = "tensor<?x5x" + columns + "x72x" + t + ", #graph.shape<[N, 5, " + columns + ", 72]>>";
    RegionCheck check(x + "; " + w + "; " + b + "; " + y,
                      conv(y, "%0, %1, %2", x + ", " + w + ", " + b, std::string(c.attributes) + ", group = 1 : i64") +
                          "%11 = graph.add %10, %3 : (" + y + ", " + y + ") -> " + y +
                          "\n%12 = graph.sigmoid %11 : " + y + " -> " + y + "\ngraph.yield %12 : " + y,
                      cuda::CudaTarget::forArch("sm_90a"), /*packs=*/true);
    EXPECT_TRUE(contains(check, c.expected)) << check.kernel.source;
    for (int64_t n : {1, 4, 0})
      check.run({{"N", n}}, c.tolerance);
  }
}

/// No template takes these.
TEST(CudaConv, FallsBackToLoops) {
  std::string y = "tensor<2x3x3x4xf16>";
  RegionCheck groups("tensor<2x5x5x6xf16>; tensor<4x3x3x3xf16>",
                     conv(y, "%0, %1", "tensor<2x5x5x6xf16>, tensor<4x3x3x3xf16>",
                          "strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, "
                          "group = 2 : i64") +
                         "graph.yield %10 : " + y,
                     {}, /*packs=*/true);
  EXPECT_FALSE(contains(groups, "Tile::run"));
  groups.run({}, 2e-3);
}

} // namespace
} // namespace tenon::codegen
