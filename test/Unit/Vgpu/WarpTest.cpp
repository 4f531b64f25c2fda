//===- WarpTest.cpp - warp.cuh, block.cuh and the CUDA dialect ------------===//
#include "TestDevice.h"

#include <algorithm>
#include <numeric>

using namespace tenon::test;

namespace {

using WarpTest = DeviceTest;

TEST_F(WarpTest, Shuffles) {
  forSeeds([&](uint64_t seed) {
    Buffer<float> out(160);
    ASSERT_EQ(file("Warp.cu", seed)("shuffles", {}, {32}, 0, out.data()), "");
    for (int lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(out[lane], 103.0f);
      EXPECT_EQ(out[32 + lane], 100.0f + (lane ^ 5));
      EXPECT_EQ(out[64 + lane], 100.0f + (lane + 7 < 32 ? lane + 7 : lane));
      EXPECT_EQ(out[96 + lane], 100.0f + (lane >= 7 ? lane - 7 : lane));
      EXPECT_EQ(out[128 + lane], 109.0f + 109.5f);
    }
  });
}

TEST_F(WarpTest, ShufflesInSegments) {
  Buffer<int> out(128);
  ASSERT_EQ(file("Warp.cu")("segments", {}, {32}, 0, out.data()), "");
  for (int lane = 0; lane < 32; ++lane) {
    int base = lane & ~7;
    EXPECT_EQ(out[lane], base + 1);
    EXPECT_EQ(out[32 + lane], lane ^ 4);
    EXPECT_EQ(out[64 + lane], lane % 8 + 3 < 8 ? lane + 3 : lane);
    EXPECT_EQ(out[96 + lane], lane % 8 >= 3 ? lane - 3 : lane);
  }
}

TEST_F(WarpTest, LanesOfDifferentMasksDoNotWaitForEachOther) {
  forSeeds([&](uint64_t seed) {
    Buffer<int> out(32);
    ASSERT_EQ(file("Warp.cu", seed)("divergent", {}, {32}, 0, out.data()), "");
    for (int lane = 0; lane < 32; ++lane)
      EXPECT_EQ(out[lane], lane % 2 ? 310 : 40);
  });
}

TEST_F(WarpTest, Votes) {
  Buffer<unsigned> out(2);
  ASSERT_EQ(file("Warp.cu")("votes", {}, {32}, 0, out.data()), "");
  EXPECT_EQ(out[0], 0x49249249u);
  EXPECT_EQ(out[1], 0b0101u);
}

/// Runs the reductions of a type in blocks of `threads` and compares with a loop. `toValue` reads an element.
template <class T, class ToValue>
void checkReductions(Launcher launch, const char *kernel, unsigned threads, Buffer<T> &in, ToValue toValue,
                     double tolerance) {
  unsigned blocks = static_cast<unsigned>(in.size()) / threads;
  Buffer<T> out(8 * blocks);
  ASSERT_EQ(launch(kernel, {blocks}, {threads}, 0, in.data(), out.data()), "");
  for (unsigned block = 0; block < blocks; ++block)
    for (unsigned part = 0; part < 2; ++part) {
      double sum = 0, product = 1, most = -1e30, least = 1e30;
      for (unsigned i = 0; i < (part ? 32 : threads); ++i) {
        double value = toValue(in[block * threads + i]);
        sum += value;
        product *= value;
        most = std::max(most, value);
        least = std::min(least, value);
      }
      double expected[4] = {sum, most, least, product};
      for (unsigned i = 0; i < 4; ++i)
        EXPECT_NEAR(toValue(out[block * 8 + part * 4 + i]), expected[i], tolerance * (1 + std::abs(expected[i])))
            << kernel << " " << i << " of " << (part ? "warp" : "block") << " " << block;
    }
}

TEST_F(WarpTest, Reductions) {
  auto same = [](auto value) { return static_cast<double>(value); };
  forSeeds([&](uint64_t seed) {
    for (unsigned threads : {32u, 96u, 1024u}) {
      Buffer<float> floats(3 * threads);
      Buffer<double> doubles(3 * threads);
      Buffer<int> ints(3 * threads);
      Buffer<long long> longs(3 * threads);
      Buffer<uint16_t> halves(3 * threads), brains(3 * threads);
      for (unsigned i = 0; i < 3 * threads; ++i) {
        float value = 1.0f + static_cast<float>(static_cast<int>(i * 37 % 64) - 32) / 4096.0f;
        floats[i] = value;
        doubles[i] = value;
        ints[i] = i % 7 == 3 ? 2 : i % 11 == 5 ? -1 : 1;
        longs[i] = ints[i] * (i % 50 == 0 ? 3000000000ll : 1) % 4000000000ll;
        if (i % 50 == 0)
          longs[i] = 1;
        halves[i] = toHalf(i % 16 == 0 ? 2.0f : i % 16 == 8 ? 0.5f : 1.0f);
        brains[i] = toBfloat16(i % 16 == 0 ? 2.0f : i % 16 == 8 ? 0.5f : 1.0f);
        if (threads == 1024 && (i % 7 == 3))
          ints[i] = longs[i] = 1;
      }
      checkReductions(file("Warp.cu", seed), "reduceFloat", threads, floats, same, 1e-5);
      checkReductions(file("Warp.cu", seed), "reduceDouble", threads, doubles, same, 1e-12);
      checkReductions(file("Warp.cu", seed), "reduceInt", threads, ints, same, 0);
      checkReductions(file("Warp.cu", seed), "reduceLong", threads, longs, same, 0);
      checkReductions(file("Warp.cu", seed), "reduceHalf", threads, halves, fromHalf, 2e-3);
      checkReductions(file("Warp.cu", seed), "reduceBfloat16", threads, brains, fromBfloat16, 2e-2);
    }
  });
}

TEST_F(WarpTest, ReductionsOverNeighbours) {
  Buffer<int> out(32);
  ASSERT_EQ(file("Warp.cu")("reduceNarrow", {}, {32}, 0, out.data()), "");
  for (int lane = 0; lane < 32; ++lane)
    EXPECT_EQ(out[lane], (lane & ~3) * 4 + 6);
}

TEST_F(WarpTest, NamedBarriers) {
  forSeeds([&](uint64_t seed) {
    Buffer<int> out(64);
    ASSERT_EQ(file("Warp.cu", seed)("namedBarriers", {}, {128}, 0, out.data()), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(out[i], 7 * (63 - i));
  });
}

TEST_F(WarpTest, TransposesThroughSharedMemory) {
  forSeeds([&](uint64_t seed) {
    Buffer<float> in(96 * 96), out(96 * 96);
    std::iota(in.data(), in.data() + in.size(), 0.0f);
    ASSERT_EQ(file("Warp.cu", seed)("transpose", {3}, {32, 8}, 0, in.data(), out.data(), 96), "");
    for (int r = 0; r < 96; ++r)
      for (int c = 0; c < 96; ++c)
        ASSERT_EQ(out[r * 96 + c], in[c * 96 + r]) << r << ", " << c;
  });
}

TEST_F(WarpTest, Atomics) {
  Buffer<int> counter(std::vector<int>{0}), most(std::vector<int>{-1});
  Buffer<float> sum(std::vector<float>{0});
  ASSERT_EQ(file("Warp.cu", 5)("atomics", {50}, {96}, 4, counter.data(), sum.data(), most.data()), "");
  EXPECT_EQ(counter[0], 50 * (96 + 48));
  EXPECT_EQ(sum[0], 2400.0f);
  EXPECT_EQ(most[0], 4799);
}

using SeedTest = EmulatorTest;
TEST_F(SeedTest, SameSeedSameRun) {
  // Without a barrier, what a thread sees depends on the order of warps: on the seed, and on nothing else.
  const char *racy = "extern \"C\" __global__ void racy(int *out) {\n"
                     "  __shared__ int last;\n  last = threadIdx.x / 32;\n  syncWarp();\n"
                     "  out[blockIdx.x * blockDim.x + threadIdx.x] = last;\n}\nTENON_KERNEL(racy);";
  std::vector<std::vector<int>> runs;
  for (uint64_t seed : {1, 1, 2, 3, 4}) {
    Buffer<int> out(512 * 8);
    ASSERT_EQ(text(racy, seed)("racy", {8}, {512}, 0, out.data()), "");
    runs.emplace_back(out.data(), out.data() + out.size());
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_FALSE(runs[1] == runs[2] && runs[2] == runs[3] && runs[3] == runs[4]);
}

} // namespace
