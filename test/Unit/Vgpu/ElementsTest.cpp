//===- ElementsTest.cpp - half.cuh and vector.cuh -------------------------===//
#include "TestDevice.h"

#include <cmath>

using namespace tenon::test;

namespace {

using ElementsTest = DeviceTest;

void checkRoundTrip(Launcher launch, const char *kernel, float (*fromBits)(uint16_t)) {
  Buffer<float> values(65536);
  Buffer<uint16_t> back(65536), negated(65536);
  ASSERT_EQ(launch(kernel, {256}, {256}, 0, values.data(), back.data(), negated.data()), "");
  for (unsigned bits = 0; bits < 65536; ++bits) {
    float expected = fromBits(static_cast<uint16_t>(bits));
    ASSERT_EQ(negated[bits], bits ^ 0x8000);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(values[bits])) << bits;
      ASSERT_TRUE(std::isnan(fromBits(back[bits]))) << bits;
    } else {
      ASSERT_EQ(values[bits], expected) << bits;
      ASSERT_EQ(back[bits], bits);
    }
  }
}

TEST_F(ElementsTest, EveryHalf) { checkRoundTrip(file("Elements.cu"), "roundTripHalf", fromHalf); }
TEST_F(ElementsTest, EveryBfloat16) { checkRoundTrip(file("Elements.cu"), "roundTripBfloat16", fromBfloat16); }

void checkArithmetic(Launcher launch, const char *kernel, uint16_t (*toBits)(float), float (*fromBits)(uint16_t)) {
  constexpr int n = 500;
  Buffer<float> x(n), y(n), out(8 * n);
  for (int i = 0; i < n; ++i) {
    x[i] = std::sin(static_cast<float>(i)) * std::exp2(static_cast<float>(i % 9 - 4));
    y[i] = std::cos(static_cast<float>(3 * i)) * std::exp2(static_cast<float>(i % 7 - 3));
  }
  ASSERT_EQ(launch(kernel, {4}, {128}, 0, x.data(), y.data(), out.data(), n), "");
  auto round = [&](float value) { return fromBits(toBits(value)); };
  for (int i = 0; i < n; ++i) {
    float a = round(x[i]), b = round(y[i]);
    float expected[8] = {a + b, a - b, a * b, a / b, a * b + a, a + b, a * b, std::max(a, b)};
    for (int op = 0; op < 8; ++op)
      EXPECT_EQ(out[op * n + i], round(expected[op])) << "operation " << op << " of " << a << " and " << b;
  }
}

TEST_F(ElementsTest, HalfArithmetic) { checkArithmetic(file("Elements.cu"), "arithmeticHalf", toHalf, fromHalf); }
TEST_F(ElementsTest, Bfloat16Arithmetic) {
  checkArithmetic(file("Elements.cu"), "arithmeticBfloat16", toBfloat16, fromBfloat16);
}

TEST_F(ElementsTest, VectorsWithTails) {
  struct Case {
    const char *kernel;
    int width;
    bool half;
  };
  for (Case c : {Case{"scaleFloat4", 4, false}, Case{"scaleFloat2", 2, false}, Case{"scaleFloat8", 8, false},
                 Case{"scaleHalf8", 8, true}, Case{"scaleHalf2", 2, true}})
    for (long long n : {1ll, 7ll, 256ll, 1001ll}) {
      unsigned grid = static_cast<unsigned>((n + c.width * 64 - 1) / (c.width * 64));
      Buffer<float> x(n), y(n);
      Buffer<uint16_t> hx(n), hy(n);
      for (long long i = 0; i < n; ++i) {
        x[i] = static_cast<float>(i % 100) * 0.25f;
        hx[i] = toHalf(x[i]);
      }
      Launcher launch = file("Elements.cu", 3);
      launch.options.globalMemory = {};
      std::string error = c.half ? launch(c.kernel, {grid}, {64}, 0, hx.data(), hy.data(), n)
                                 : launch(c.kernel, {grid}, {64}, 0, x.data(), y.data(), n);
      ASSERT_EQ(error, "");
      EXPECT_TRUE(y.guardsAreWhole() && hy.guardsAreWhole());
      for (long long i = 0; i < n; ++i)
        ASSERT_EQ(c.half ? fromHalf(hy[i]) : y[i], 2 * x[i] + 1) << c.kernel << " at " << i << " of " << n;
    }
}

} // namespace
