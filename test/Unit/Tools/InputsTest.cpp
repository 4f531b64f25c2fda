//===- InputsTest.cpp - Drawn inputs --------------------------------------===//
#include "common/Inputs.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

using namespace tenon;
using namespace tenon::tools;
using runtime::NamedTensor;
using runtime::TensorInfo;

static TensorInfo info(const std::string &name, std::vector<int64_t> dims, ElementType type = ElementType::F32) {
  TensorInfo out;
  out.name = name;
  out.type = type;
  out.dimNames.resize(dims.size());
  out.dims = std::move(dims);
  return out;
}

static std::vector<float> drawn(const TensorInfo &input, uint64_t seed = 0, std::vector<TensorInfo> before = {}) {
  before.push_back(input);
  auto inputs = completeInputs({}, before, {}, seed);
  if (!inputs)
    return {};
  const runtime::Tensor &tensor = inputs->back().tensor;
  return std::vector<float>(tensor.as<float>(), tensor.as<float>() + tensor.elements());
}

static int64_t count(const std::vector<float> &values, float low, float high) {
  return std::count_if(values.begin(), values.end(), [&](float each) { return each >= low && each <= high; });
}

TEST(Inputs, AnImageIsALightPageWithDarkStrokes) {
  for (const auto &dims : std::vector<std::vector<int64_t>>{{2, 3, 64, 96}, {1, 1, 28, 28}, {1, 640, 640, 3}}) {
    const std::vector<float> image = drawn(info("x", dims));
    const int64_t all = int64_t(image.size()), dark = count(image, -1, -0.8f), light = count(image, 0.8f, 1);
    EXPECT_EQ(dark + light, all);
    EXPECT_GT(dark, all / 20);
    EXPECT_GT(light, all / 3);
  }
}

TEST(Inputs, NoImageIsTooSmallForAPage) {
  for (int64_t height = 1; height < 20; ++height)
    for (int64_t width = 1; width < 20; ++width)
      EXPECT_EQ(drawn(info("x", {1, 1, height, width})).size(), size_t(height * width));
}

TEST(Inputs, ColoursShareStrokesInBothLayouts) {
  const std::vector<float> planes = drawn(info("x", {1, 3, 32, 48})), pixels = drawn(info("x", {1, 32, 48, 3}));
  for (size_t i = 0; i < 32 * 48; ++i)
    for (size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(planes[c * 32 * 48 + i] < 0, planes[i] < 0);
      ASSERT_EQ(pixels[i * 3 + c] < 0, planes[i] < 0);
    }
}

TEST(Inputs, EachImageOfABatchIsAnother) {
  const std::vector<float> batch = drawn(info("x", {2, 1, 64, 64}));
  const auto half = batch.begin() + batch.size() / 2;
  EXPECT_FALSE(std::equal(batch.begin(), half, half, [](float a, float b) { return (a < 0) == (b < 0); }));
}

TEST(Inputs, OtherFloatsAreNormal) {
  for (const auto &dims : std::vector<std::vector<int64_t>>{{1, 8, 32, 32}, {64, 128}}) {
    const std::vector<float> values = drawn(info("x", dims));
    double sum = 0, squares = 0;
    for (float value : values) {
      sum += value;
      squares += double(value) * value;
    }
    // 8192 values: the mean has a standard deviation of 0.011, the variance of about 0.016.
    EXPECT_NEAR(sum / values.size(), 0, 0.05);
    EXPECT_NEAR(squares / values.size(), 1, 0.07);
  }
}

TEST(Inputs, DependOnSeedNameAndShapeAlone) {
  const TensorInfo x = info("x", {1, 3, 32, 32});
  EXPECT_EQ(drawn(x), drawn(x, 0, {info("first", {4})}));
  EXPECT_NE(drawn(x), drawn(x, 1));
  EXPECT_NE(drawn(x), drawn(info("y", {1, 3, 32, 32})));
}
