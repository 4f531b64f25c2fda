//===- TensorCoresTest.cpp - async.cuh and mma.cuh ------------------------===//
#include "TestDevice.h"

#include <cmath>
#include <numeric>

using namespace tenon::test;

namespace {

using TensorCoresTest = DeviceTest;

TEST_F(TensorCoresTest, AsyncCopies) {
  forSeeds([&](uint64_t seed) {
    for (unsigned bytes : {4u, 8u, 16u}) {
      Buffer<char> in(128 * bytes), out(128 * bytes);
      std::iota(in.data(), in.data() + in.size(), 1);
      unsigned valid = bytes - 3;
      ASSERT_EQ(
          file("TensorCores.cu", seed)("copyAsync" + std::to_string(bytes), {}, {64}, 0, in.data(), out.data(), valid),
          "");
      for (unsigned i = 0; i < 128 * bytes; ++i)
        ASSERT_EQ(out[i], i < 127 * bytes + valid ? in[i] : 0) << bytes << " bytes, at " << i;
    }
  });
}

TEST_F(TensorCoresTest, LoadMatrix) {
  Buffer<uint16_t> in(256);
  std::iota(in.data(), in.data() + 256, 0);
  Buffer<uint32_t> out(352);
  ASSERT_EQ(file("TensorCores.cu", 2)("loadMatrices", {}, {32}, 0, in.data(), out.data()), "");
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    auto plain = [&](unsigned m) { return (m * 64 + g * 8 + 2 * t) | (m * 64 + g * 8 + 2 * t + 1) << 16; };
    auto transposed = [&](unsigned m) { return (m * 64 + 2 * t * 8 + g) | (m * 64 + (2 * t + 1) * 8 + g) << 16; };
    for (unsigned m = 0; m < 4; ++m) {
      EXPECT_EQ(out[m * 32 + lane], plain(m));
      EXPECT_EQ(out[128 + m * 32 + lane], transposed(m));
    }
    EXPECT_EQ(out[256 + lane], plain(0));
    EXPECT_EQ(out[288 + lane], plain(1));
    EXPECT_EQ(out[320 + lane], transposed(0));
  }
}

/// One tile of depth K: `encode` makes an element of a float that it represents exactly.
template <class T, class Encode>
void checkTile(Launcher launch, const char *kernel, int depth, Encode encode) {
  Buffer<T> a(16 * depth), b(8 * depth);
  Buffer<float> d(128);
  auto valueA = [](int r, int k) { return static_cast<float>((r * 5 + k * 3) % 17 - 8) / 4; };
  auto valueB = [](int k, int c) { return static_cast<float>((k * 7 + c * 11) % 13 - 6) / 8; };
  for (int r = 0; r < 16; ++r)
    for (int k = 0; k < depth; ++k)
      a[r * depth + k] = encode(valueA(r, k));
  for (int k = 0; k < depth; ++k)
    for (int c = 0; c < 8; ++c)
      b[k * 8 + c] = encode(valueB(k, c));
  for (int i = 0; i < 128; ++i)
    d[i] = static_cast<float>(i);
  ASSERT_EQ(launch(kernel, {}, {32}, 0, a.data(), b.data(), d.data()), "");
  for (int r = 0; r < 16; ++r)
    for (int c = 0; c < 8; ++c) {
      float expected = static_cast<float>(r * 8 + c);
      for (int k = 0; k < depth; ++k)
        expected += valueA(r, k) * valueB(k, c);
      EXPECT_EQ(d[r * 8 + c], expected) << kernel << " at " << r << ", " << c;
    }
}

TEST_F(TensorCoresTest, Mma) {
  checkTile<uint16_t>(file("TensorCores.cu", 1), "mmaHalf", 16, toHalf);
  checkTile<uint16_t>(file("TensorCores.cu", 1), "mmaBfloat16", 16, toBfloat16);
  checkTile<float>(file("TensorCores.cu", 1), "mmaTf32", 8, [](float value) { return value; });
}

TEST_F(TensorCoresTest, Tf32RoundsToTenBits) {
  const char *kernel = "extern \"C\" __global__ void rounds(const float *in, unsigned *out) {\n"
                       "  out[threadIdx.x] = roundToTf32(in[threadIdx.x]);\n}\nTENON_KERNEL(rounds);";
  Buffer<float> in(std::vector<float>{1.0f, 1.0f + 0x1p-11f, 1.0f + 0x1p-12f, -1.0f - 0x1p-11f, INFINITY});
  Buffer<float> out(5);
  ASSERT_EQ(text(kernel)("rounds", {}, {5}, 0, in.data(), out.data()), "");
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], 1.0f + 0x1p-10f); // a tie goes away from zero
  EXPECT_EQ(out[2], 1.0f);
  EXPECT_EQ(out[3], -1.0f - 0x1p-10f);
  EXPECT_EQ(out[4], INFINITY);
}

} // namespace
