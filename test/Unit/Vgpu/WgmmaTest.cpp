//===- WgmmaTest.cpp - wgmma.cuh ------------------------------------------===//
#include "TestDevice.h"

using namespace tenon::test;
using tenon::vgpu::TensorMapDescription;
using tenon::vgpu::TensorSwizzle;

namespace {

constexpr unsigned kDepth = 64;

struct Case {
  const char *kernel;
  bool brain;
  unsigned columns;
  TensorSwizzle swizzle;
  bool transposedA = false, transposedB = false;
};

class WgmmaTest : public DeviceTest, public testing::WithParamInterface<Case> {
protected:
  void SetUp() override {
    DeviceTest::SetUp();
    if (lacks(90, 90))
      GTEST_SKIP() << "needs sm_90a";
  }
};

/// A map of [rows][64] elements, or [64][rows] where transposed, in lines of the swizzle's span.
Map mapOf(Buffer<uint16_t> &tile, unsigned rows, bool transposed, TensorSwizzle swizzle) {
  uint32_t span = 8u << static_cast<unsigned>(swizzle);
  uint64_t inner = transposed ? rows : kDepth, outer = transposed ? kDepth : rows;
  TensorMapDescription description{tile.data(), 2, 2, {inner, outer}, {inner * 2}, {span, static_cast<uint32_t>(outer)},
                                   swizzle};
  Map map;
  EXPECT_EQ(encodeMap(description, map), "");
  return map;
}

TEST_P(WgmmaTest, Multiplies) {
  const Case &c = GetParam();
  auto encode = c.brain ? toBfloat16 : toHalf;
  auto valueA = [](unsigned r, unsigned k) { return static_cast<float>((r * 5 + k * 3) % 17) / 4 - 2; };
  auto valueB = [](unsigned n, unsigned k) { return static_cast<float>((k * 7 + n * 11) % 13) / 8 - 0.75f; };
  Buffer<uint16_t> a(64 * kDepth), b(c.columns * kDepth);
  for (unsigned k = 0; k < kDepth; ++k) {
    for (unsigned r = 0; r < 64; ++r)
      a[c.transposedA ? k * 64 + r : r * kDepth + k] = encode(valueA(r, k));
    for (unsigned n = 0; n < c.columns; ++n)
      b[c.transposedB ? k * c.columns + n : n * kDepth + k] = encode(valueB(n, k));
  }
  Map mapA = mapOf(a, 64, c.transposedA, c.swizzle), mapB = mapOf(b, c.columns, c.transposedB, c.swizzle);
  forSeeds([&](uint64_t seed) {
    int accumulate = static_cast<int>(seed % 2);
    Buffer<float> d(64 * c.columns);
    if (accumulate)
      for (size_t i = 0; i < d.size(); ++i)
        d[i] = static_cast<float>(i % 64);
    ASSERT_EQ(file("Wgmma.cu", seed)(c.kernel, {}, {128}, (64 + c.columns) * kDepth * 2, mapA, mapB, a.data(), d.data(),
                                     accumulate),
              "");
    for (unsigned r = 0; r < 64; ++r)
      for (unsigned n = 0; n < c.columns; ++n) {
        float expected = accumulate ? static_cast<float>((r * c.columns + n) % 64) : 0;
        for (unsigned k = 0; k < kDepth; ++k)
          expected += valueA(r, k) * valueB(n, k); // exact: all are multiples of 1/32
        ASSERT_EQ(d[r * c.columns + n], expected) << "row " << r << ", column " << n;
      }
  });
}

constexpr TensorSwizzle S128 = TensorSwizzle::Bytes128, S64 = TensorSwizzle::Bytes64, S32 = TensorSwizzle::Bytes32,
                        S0 = TensorSwizzle::None;
INSTANTIATE_TEST_SUITE_P(
    Forms, WgmmaTest,
    testing::Values(
        Case{"half64", false, 64, S128}, Case{"half128", false, 128, S128}, Case{"half256", false, 256, S128},
        Case{"bfloat64", true, 64, S128}, Case{"bfloat128", true, 128, S128}, Case{"bfloat256", true, 256, S128},
        Case{"swizzle64", false, 128, S64}, Case{"swizzle32", false, 128, S32}, Case{"noSwizzle", false, 128, S0},
        Case{"transposedB", false, 128, S128, false, true}, Case{"transposedA", false, 64, S128, true, false},
        Case{"transposedBoth", true, 256, S128, true, true}, Case{"transposed64", false, 128, S64, true, true},
        Case{"transposed32", false, 128, S32, true, true}, Case{"transposedNone", false, 128, S0, true, true},
        Case{"registersA64", false, 64, S128}, Case{"registersA128", true, 128, S128, false, true},
        Case{"registersA256", false, 256, S128}),
    [](const testing::TestParamInfo<Case> &info) { return std::string(info.param.kernel); });

} // namespace
