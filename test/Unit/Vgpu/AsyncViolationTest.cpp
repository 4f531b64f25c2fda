//===- AsyncViolationTest.cpp - Misuse of mbarriers, TMA and wgmma --------===//
#include "TestDevice.h"

using namespace tenon::test;
using tenon::vgpu::TensorMapDescription;
using tenon::vgpu::TensorSwizzle;

namespace {

/// Kernels `k(TensorMap map, float *x)` whose map describes x as 16x16 floats in boxes of 16x8.
class AsyncViolationTest : public EmulatorTest {
protected:
  std::string run(const std::string &body, unsigned threads, uint64_t seed = 1) {
    Buffer<float> x(256);
    for (int i = 0; i < 256; ++i)
      x[i] = static_cast<float>(i);
    Map map;
    TensorMapDescription description{x.data(), 4, 2, {16, 16}, {64}, {16, 8}, TensorSwizzle::None};
    EXPECT_EQ(encodeMap(description, map), "");
    return text(kPrefix + body + "\n}\nTENON_KERNEL(k);", seed)("k", {}, {threads}, 8192, map, x.data());
  }
  void expectMessage(const std::string &body, unsigned threads, std::initializer_list<const char *> parts) {
    std::string message = run(body, threads);
    for (const char *part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << "expected: " << part << "\nfound:    " << message;
  }

  static constexpr const char *kPrefix =
      "extern \"C\" __global__ void k(const __grid_constant__ TensorMap map, float *x) {\n"
      "  TENON_DYNAMIC_SHARED(s);\n  __shared__ Mbarrier bar;\n  float d[32] = {};\n  uint64_t desc = 0;\n"
      "  (void)d; (void)desc; (void)s; (void)bar;\n"
      "  auto start = [&](unsigned arrivals) {\n    if (threadIdx.x == 0) mbarrierInit(&bar, arrivals);\n"
      "    __syncthreads();\n  };\n"
      "  auto operands = [&] {\n    for (int i = threadIdx.x; i < 2048; i += blockDim.x)\n"
      "      reinterpret_cast<float *>(s)[i] = 0;\n    fenceProxyAsync();\n    __syncthreads();\n"
      "    desc = matrixDescriptor(s, Swizzle::None, 128, 256);\n  };\n";
};

TEST_F(AsyncViolationTest, MbarrierMisuse) {
  expectMessage("mbarrierArrive(&bar);", 1, {"mbarrier at shared 0x", "is used before it was initialised"});
  expectMessage("mbarrierWait(&bar, 0);", 1, {"is waited for before it was initialised"});
  expectMessage("mbarrierInit(&bar, 0);", 1, {"cannot expect 0 arrivals"});
  expectMessage("start(1); bar.state = 7; mbarrierArrive(&bar);", 1, {"was overwritten"});
  expectMessage("mbarrierInit(reinterpret_cast<Mbarrier *>(s + 4), 1);", 1, {"misaligned mbarrier"});
  expectMessage("mbarrierInit(reinterpret_cast<Mbarrier *>(x), 1);", 1, {"which is not shared memory"});
  expectMessage("start(1); mbarrierInvalidate(&bar); mbarrierArrive(&bar);", 1, {"before it was initialised"});
  expectMessage("start(1); mbarrierExpectBytes(&bar, 1u << 20);", 1, {"1048576 bytes are beyond its counter"});
}
TEST_F(AsyncViolationTest, MbarrierOverArrival) {
  // The first arrival leaves bytes missing, so the phase does not end.
  expectMessage("start(1); mbarrierArriveExpectBytes(&bar, 16); mbarrierArrive(&bar);", 1,
                {"more than the expected 1 arrivals in one phase (over-arrival)"});
}
TEST_F(AsyncViolationTest, MbarrierDeadlockNamesPhaseAndWhatIsMissing) {
  expectMessage("start(3); if (threadIdx.x == 0) mbarrierArriveExpectBytes(&bar, 48); mbarrierWait(&bar, 0);", 32,
                {"block (0,0,0): deadlock; threads 0-31 wait for mbarrier at shared 0x", "to end a phase of parity 0",
                 "in one of parity 0: 2 of 3 arrivals and 48 bytes are missing"});
}
TEST_F(AsyncViolationTest, TensorCopyMisuse) {
  const char *load = "start(1); mbarrierArriveExpectBytes(&bar, 512); ";
  expectMessage(std::string(load) + "tensorLoad(s + 64, &map, &bar, 0, 0);", 1, {"misaligned tensor load"});
  expectMessage(std::string(load) + "tensorLoad(s, &map, &bar, 0, 0, 0);", 1,
                {"tensor load with 3 coordinates of a tensor of rank 2"});
  expectMessage(std::string(load) + "tensorLoad(s + 7808, &map, &bar, 0, 0);", 1, {"is not in shared memory"});
  expectMessage(std::string(load) + "TensorMap other = {}; tensorLoad(s, &other, &bar, 0, 0);", 1,
                {"was not made by encodeTensorMap"});
  expectMessage("tensorLoad(s, &map, &bar, 0, 0);", 1, {"before it was initialised"});
  expectMessage(std::string(load) + "tensorLoad(s, &map, &bar, 0, 0);", 1, {"ended with a tensor load in flight"});
}
TEST_F(AsyncViolationTest, TensorLoadIsNaNUntilItArrives) {
  std::string body = "start(1); mbarrierArriveExpectBytes(&bar, 512); tensorLoad(s, &map, &bar, 0, 0);\n"
                     "  float early = reinterpret_cast<float *>(s)[3];\n  mbarrierWait(&bar, 0);\n"
                     "  require(early != early && reinterpret_cast<float *>(s)[3] == 3.0f, \"not deferred\");";
  EXPECT_EQ(run(body, 1, 0), "");
}
TEST_F(AsyncViolationTest, TensorStoreMisuse) {
  std::string fill = "for (int i = 0; i < 128; ++i) reinterpret_cast<float *>(s)[i] = 5; ";
  expectMessage(fill + "tensorStore(&map, s, 0, 0); commitBulk(); waitBulk<0>();", 1,
                {"tensor store reads shared 0x", "an ordinary write was not followed by fenceProxyAsync()"});
  fill += "fenceProxyAsync(); tensorStore(&map, s, 0, 0); ";
  expectMessage(fill + "commitBulk(); s[0] = 1; waitBulkRead<0>();", 1,
                {"was overwritten before a tensor store had read it"});
  expectMessage(fill + "waitBulkRead<0>();", 1, {"ended before its tensor store had read shared memory"});
  EXPECT_EQ(run(fill + "commitBulk(); waitBulkRead<0>(); s[0] = 1;", 1), "");
}

TEST_F(AsyncViolationTest, WgmmaMisuse) {
  std::string issue = "operands(); wgmmaFence(); wgmma<half, 64>(d, desc, desc, false); ";
  EXPECT_EQ(run(issue + "wgmmaCommit(); wgmmaWait<0>(); require(d[5] == 0, \"wrong\");", 128), "");
  expectMessage(issue + "wgmmaCommit(); require(d[5] == 0, \"d is NaN\");", 128, {"d is NaN"});
  expectMessage(issue + "wgmmaCommit(); d[3] = 1; wgmmaWait<0>();", 128,
                {"accumulators were touched while a wgmma was in flight"});
  expectMessage(issue + "wgmmaCommit(); s[7] = 1; wgmmaWait<0>();", 128,
                {"an operand of a wgmma in flight was overwritten"});
  expectMessage(issue + "wgmmaCommit();", 128, {"ended with a wgmma in flight"});
  expectMessage(issue, 64, {"less than the four of a warp group"});
  expectMessage("operands(); wgmma<half, 64>(d, desc, desc, false);", 128, {"written after the last wgmmaFence()"});
  // A fence is for what was written before it, whatever it was meant for.
  std::string done = issue + "wgmmaCommit(); wgmmaWait<0>(); ";
  EXPECT_EQ(
      run(done + "d[3] = 1; wgmmaFence(); wgmma<half, 64>(d, desc, desc, true); wgmmaCommit(); wgmmaWait<0>();", 128),
      "");
  expectMessage(done + "wgmmaFence(); d[3] = 1; wgmma<half, 64>(d, desc, desc, true);", 128,
                {"written after the last wgmmaFence()"});
  expectMessage("operands(); wgmmaFence(); s[0] = 1; __syncthreads(); wgmma<half, 64>(d, desc, desc, false);", 128,
                {"wgmma reads shared 0x", "not followed by fenceProxyAsync()"});
  expectMessage("operands(); wgmmaFence(); wgmma<half, 64>(d, desc + (8064 >> 4), desc, false);", 128,
                {"outside of the block's shared memory"});
  expectMessage("operands(); wgmmaFence(); wgmma<half, 64>(d, desc + (threadIdx.x == 9), desc, false);", 128,
                {"name different operands"});
  expectMessage("operands(); if (threadIdx.x < 32) wgmmaFence(); else wgmmaCommit();", 128,
                {"while other threads of the warp group are at"});
}

} // namespace
