//===- ConvTest.cpp - Convolutions against a loop -------------------------===//
#include "CompiledKernel.h"
#include "ConvRegion.h"

#include <gtest/gtest.h>

namespace tenon::codegen {
namespace {

using Case = ConvCase;

Floats reference(const Case &c, const Floats &x, const Floats &w, const Floats &bias, int64_t images, int64_t height,
                 int64_t width) {
  const int64_t outHeight = c.out(height, 0), outWidth = c.out(width, 1), depth = c.channels / c.group;
  Floats y;
  for (int64_t n = 0; n < images; ++n)
    for (int64_t oh = 0; oh < outHeight; ++oh)
      for (int64_t ow = 0; ow < outWidth; ++ow)
        for (int64_t m = 0; m < c.columns; ++m) {
          double sum = c.hasBias ? bias[m] : 0;
          const int64_t first = m / (c.columns / c.group) * depth;
          for (int64_t i = 0; i < depth; ++i)
            for (int64_t r = 0; r < c.kernel[0]; ++r)
              for (int64_t s = 0; s < c.kernel[1]; ++s) {
                const int64_t h = oh * c.stride[0] - c.pads[0] + r * c.dilation[0];
                const int64_t v = ow * c.stride[1] - c.pads[1] + s * c.dilation[1];
                if (h >= 0 && h < height && v >= 0 && v < width)
                  sum += double(x[((n * height + h) * width + v) * c.channels + first + i]) *
                         w[((m * depth + i) * c.kernel[0] + r) * c.kernel[1] + s];
              }
          y.push_back(sum);
        }
  return y;
}

class Conv : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!canRun(GetParam()))
      GTEST_SKIP() << "this processor does not run " << GetParam();
  }

  void check(const Case &c, std::initializer_list<std::array<int64_t, 3>> sizes, bool isStatic = false) {
    for (bool first = true; auto [images, height, width] : sizes) {
      if (first || isStatic) {
        auto text = [&](int64_t n) { return std::to_string(n); };
        std::vector<unsigned> constants;
        if (c.hasConstantWeights)
          constants = {1};
        kernel = CompiledKernel::create(isStatic ? convRegion(c, text(images), text(height), text(width))
                                                 : convRegion(c, "N", "H", "W"),
                                        GetParam(), constants);
        first = false;
      }
      ASSERT_TRUE(kernel);
      Floats x = randomFloats(images * height * width * c.channels, 1);
      Floats w = randomFloats(c.columns * (c.channels / c.group) * c.kernel[0] * c.kernel[1], 2);
      Floats bias = randomFloats(c.columns, 3);
      std::vector<Floats> inputs{x, w};
      if (c.hasBias)
        inputs.push_back(bias);
      Floats expected = reference(c, x, w, bias, images, height, width);
      for (bool oneByOne : {false, true}) {
        Floats got = kernel->run(inputs, {{"N", images}, {"H", height}, {"W", width}}, oneByOne);
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); ++i)
          ASSERT_NEAR(got[i], expected[i], 2e-4) << "at " << i << " of " << images << "x" << height << "x" << width;
      }
    }
  }

  std::unique_ptr<CompiledKernel> kernel;
};

TEST_P(Conv, one_by_one) { check({20, 40, {1, 1}}, {{1, 7, 7}, {2, 15, 9}, {1, 1, 1}}); }
TEST_P(Conv, one_by_one_with_stride) { check({20, 40, {1, 1}, {2, 2}}, {{1, 7, 7}, {2, 14, 9}}); }
TEST_P(Conv, padded_three_by_three) {
  check({16, 32, {3, 3}, {1, 1}, {1, 1, 1, 1}}, {{1, 7, 7}, {2, 30, 31}, {1, 1, 1}, {1, 64, 3}});
}
TEST_P(Conv, unpadded) { check({8, 24, {3, 2}}, {{2, 9, 17}, {1, 3, 2}}); }
TEST_P(Conv, stem) { check({3, 64, {7, 7}, {2, 2}, {3, 3, 3, 3}}, {{1, 33, 47}, {2, 8, 8}}); }
TEST_P(Conv, uneven_pads_and_strides) { check({5, 7, {3, 5}, {3, 2}, {0, 2, 4, 1}}, {{1, 19, 23}, {3, 5, 5}}); }
TEST_P(Conv, dilation) { check({12, 33, {3, 3}, {1, 2}, {2, 3, 2, 3}, {2, 3}}, {{1, 19, 23}, {1, 3, 3}}); }
TEST_P(Conv, static_sizes) {
  check({24, 64, {3, 3}, {1, 1}, {1, 1, 1, 1}},
        {{1, 7, 7}, {2, 14, 14}, {1, 28, 28}, {1, 5, 5}, {1, 9, 1}, {1, 56, 17}}, true);
  check({24, 64, {3, 3}, {2, 2}, {1, 1, 1, 1}}, {{1, 14, 14}, {1, 13, 13}, {1, 28, 30}}, true);
}
TEST_P(Conv, heavy_weights) { check({512, 130, {3, 3}, {1, 1}, {1, 1, 1, 1}}, {{1, 7, 7}, {1, 3, 16}}, true); }
TEST_P(Conv, groups_of_whole_panels) { check({24, 96, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 3}, {{1, 9, 8}}); }
TEST_P(Conv, small_groups) { check({12, 18, {3, 3}, {2, 1}, {1, 1, 0, 1}, {1, 2}, 6}, {{2, 9, 8}}); }
TEST_P(Conv, weights_computed_at_run_time) {
  Case c{6, 10, {3, 3}, {1, 1}, {1, 1, 1, 1}};
  c.hasConstantWeights = false;
  check(c, {{2, 5, 6}});
}
TEST_P(Conv, without_bias) {
  Case c{16, 16, {3, 3}, {1, 1}, {1, 1, 1, 1}};
  c.hasBias = false;
  check(c, {{1, 5, 16}});
}
TEST_P(Conv, depthwise) {
  check({32, 32, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 32}, {{1, 7, 7}, {2, 31, 29}, {1, 1, 1}});
  check({20, 20, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 20}, {{1, 7, 7}, {2, 32, 29}});
  check({17, 17, {5, 5}, {1, 1}, {2, 2, 2, 2}, {1, 1}, 17}, {{1, 9, 15}});
  check({16, 16, {3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 16}, {{1, 9, 15}});
  check({48, 48, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 48}, {{1, 14, 14}, {1, 7, 7}, {1, 30, 11}}, true);
}

INSTANTIATE_TEST_SUITE_P(Archs, Conv, testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) { return std::string(info.param).back() == '3' ? "v3" : "v4"; });

} // namespace
} // namespace tenon::codegen
