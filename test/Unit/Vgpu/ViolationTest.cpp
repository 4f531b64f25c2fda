//===- ViolationTest.cpp - What the virtual GPU reports -------------------===//
//
// Every violation ends the launch with a message that names kernel, block, thread and cause; the process goes on.
//
//===----------------------------------------------------------------------===//
#include "TestDevice.h"

using namespace tenon::test;
using tenon::vgpu::Dim3;

namespace {

class ViolationTest : public EmulatorTest {
protected:
  /// Runs the body of a kernel `k(float *x)` and expects a message that contains every one of `parts`.
  void expectMessage(const std::string &body, Dim3 block, std::initializer_list<const char *> parts,
                     size_t shared = 4096) {
    Buffer<float> x(1024);
    std::string kernel = "extern \"C\" __global__ void k(float *x) {\n" + body + "\n}\nTENON_KERNEL(k);";
    std::string message = text(kernel, 1)("k", {}, block, shared, x.data());
    for (const char *part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << "expected: " << part << "\nfound:    " << message;
  }
};

TEST_F(ViolationTest, DeadlockNamesWhoWaitsOnWhat) {
  expectMessage("if (threadIdx.x < 32) barrierSync(3, 128); else if (threadIdx.x < 64) syncWarp(); else "
                "barrierSync(4, 96);",
                {128},
                {"kernel 'k', block (0,0,0): deadlock", "threads 0-31 wait for barrier 3 (32 of 128 threads",
                 "threads 64-127 wait for barrier 4 (64 of 96 threads", "32 threads have ended"});
}
TEST_F(ViolationTest, LanesOfAWarpAtDifferentOperations) {
  expectMessage("if (threadIdx.x < 16) shuffle(1, 0); else laneBallot(true);", {32},
                {"thread (", "a vote", "a shuffle", "lanes 0x"});
}
TEST_F(ViolationTest, LaneLeftOutOfItsMask) {
  expectMessage("syncWarp(0xfffffff0u);", {32}, {"__syncwarp with mask 0xfffffff0, which leaves out the calling lane"});
}
TEST_F(ViolationTest, BarrierCounts) {
  expectMessage("barrierSync(1, 33);", {64}, {"barrier 1 for 33 threads: the count is a multiple of 32"});
  expectMessage("barrierSync(1, 96);", {64}, {"at most the block's 64"});
  expectMessage("barrierSync(16, 64);", {64}, {"barrier 16: there are 16"});
  expectMessage("barrierSync(1, threadIdx.x < 32 ? 64 : 96);", {96}, {"while others wait at it for"});
}
TEST_F(ViolationTest, MisalignedVectors) {
  expectMessage("loadVector<4>(x + 1 + threadIdx.x);", {1},
                {"thread (0,0,0): misaligned vector load", "multiple of 16"});
  expectMessage("storeVector(x + 1, Vector<float, 2>{});", {1}, {"misaligned vector store", "multiple of 8"});
  expectMessage("TENON_DYNAMIC_SHARED(s); copyAsync<16>(s + 8, x);", {1}, {"misaligned cp.async target"});
  expectMessage("TENON_DYNAMIC_SHARED(s); copyAsync<8>(s, x + 1);", {1}, {"misaligned cp.async source"});
  expectMessage("TENON_DYNAMIC_SHARED(s); uint32_t r[4]; loadMatrix<4>(r, s + 2 * threadIdx.x);", {32},
                {"misaligned ldmatrix row"});
}
TEST_F(ViolationTest, WrongKindOfMemory) {
  expectMessage("copyAsync<16>(x, x + 4);", {1}, {"cp.async writes 16 bytes at", "not shared memory"});
  expectMessage("sharedAddress(x);", {1}, {"is not an address of shared memory"});
  expectMessage("uint32_t r[1]; loadMatrix<1>(r, x);", {32}, {"which is not 16 bytes of shared memory"});
}
TEST_F(ViolationTest, WritesBeyondSharedMemory) {
  expectMessage("TENON_DYNAMIC_SHARED(s); s[4096 + threadIdx.x] = 0;", {1}, {"wrote beyond its dynamic shared memory"});
}
TEST_F(ViolationTest, WarpOperationsNeedWholeWarps) {
  expectMessage("float d[4] = {}; uint32_t a[4] = {}, b[2] = {}; mmaM16N8K16<half>(d, a, b);", {16},
                {"mma.sync needs all 32 lanes"});
  expectMessage("if (threadIdx.x == 5) return; float d[4] = {}; uint32_t a[4] = {}, b[2] = {}; "
                "mmaM16N8K8Tf32(d, a, b);",
                {32}, {"mma.sync"});
  expectMessage("blockSum(1.0f);", {48}, {"blockReduce needs a multiple of 32 threads"});
}
TEST_F(ViolationTest, Traps) { expectMessage("if (threadIdx.x == 3) __trap();", {32}, {"thread (3,0,0): __trap()"}); }

TEST_F(ViolationTest, UninitialisedSharedMemoryIsNaN) {
  Buffer<float> out(2);
  std::string kernel = "extern \"C\" __global__ void k(float *x) {\n  __shared__ float a[10];\n  "
                       "TENON_DYNAMIC_SHARED(s);\n  x[0] = a[threadIdx.x + 3];\n  "
                       "x[1] = reinterpret_cast<float *>(s)[5];\n  a[3] = 0;\n}\nTENON_KERNEL(k);";
  for (int i = 0; i < 2; ++i) { // also after a block that wrote there
    ASSERT_EQ(text(kernel)("k", {1}, {1}, 64, out.data()), "");
    EXPECT_TRUE(out[0] != out[0] && out[1] != out[1]);
  }
}

TEST_F(ViolationTest, AccessesOutsideOfAllocations) {
  Buffer<float> x(100), y(100);
  std::string kernel = "extern \"C\" __global__ void k(float *x, int offset) {\n  float local[4] = {};\n"
                       "  __shared__ __align__(16) float s[4];\n  storeVector(s, loadVector<4>(x + offset));\n  "
                       "syncWarp();\n  storeVector(x, loadVector<4>(s));\n  (void)local;\n}\nTENON_KERNEL(k);";
  Launcher launch = text(kernel);
  launch.options.globalMemory = {x.range(), y.range()};
  if (y.data() < x.data())
    std::swap(launch.options.globalMemory[0], launch.options.globalMemory[1]);
  EXPECT_EQ(launch("k", {}, {1}, 0, x.data(), 96), "");
  EXPECT_NE(
      launch("k", {}, {1}, 0, x.data(), 100).find("vector load of 16 bytes at offset 400 of an allocation of 400"),
      std::string::npos);
}

TEST_F(ViolationTest, ConstantsMayBeRead) {
  Buffer<float> x(4);
  std::string kernel = "__constant__ __align__(16) float table[4] = {1, 2, 3, 4};\n"
                       "extern \"C\" __global__ void k(float *x) { storeVector(x, loadVector<4>(table)); }\n"
                       "TENON_KERNEL(k);";
  Launcher launch = text(kernel);
  launch.options.globalMemory = {x.range()};
  EXPECT_EQ(launch("k", {}, {1}, 0, x.data()), "");
  EXPECT_EQ(x[3], 4.0f);
}

TEST_F(ViolationTest, LaunchLimits) {
  Buffer<float> x(1);
  std::string kernel = "extern \"C\" __global__ void k(float *x) { __shared__ float big[10000]; big[threadIdx.x] = 0; "
                       "__syncthreads(); *x = big[0]; }\nTENON_KERNEL(k);";
  auto message = [&](Dim3 grid, Dim3 block, size_t shared) { return text(kernel)("k", grid, block, shared, x.data()); };
  auto has = [](const std::string &text, const char *part) { return text.find(part) != std::string::npos; };
  EXPECT_EQ(message({}, {1024}, 0), "");
  EXPECT_PRED2(has, message({}, {1025}, 0), "outside of 1 to (1024,1024,64)");
  EXPECT_PRED2(has, message({}, {32, 33}, 0), "more than 1024 threads");
  EXPECT_PRED2(has, message({1, 70000}, {1}, 0), "grid (1,70000,1)");
  EXPECT_PRED2(has, message({0}, {1}, 0), "grid (0,1,1)");
  EXPECT_PRED2(has, message({}, {1}, 200000), "more than 232448");
  EXPECT_PRED2(has, text(kernel)("other", {}, {1}, 0, x.data()), "kernel 'other' was not found");
}

TEST_F(ViolationTest, DeviceMayBeSmaller) {
  tenon::vgpu::VirtualGpu small({256, 48 * 1024, 48 * 1024, 1});
  std::string kernel = "extern \"C\" __global__ void k() {}\nTENON_KERNEL(k);";
  Launcher launch{small, text(kernel).source};
  EXPECT_EQ(launch("k", {}, {256}, 48 * 1024), "");
  EXPECT_NE(launch("k", {}, {512}, 0).find("more than 256 threads"), std::string::npos);
  EXPECT_NE(launch("k", {}, {1}, 48 * 1024 + 1).find("more than 49152"), std::string::npos);
}

TEST(VgpuModule, RefusesForeignObjects) {
  std::string error;
  EXPECT_FALSE(tenon::vgpu::Module::load("libm.so.6", error));
  EXPECT_NE(error.find("was not compiled with tenon/cuda/base.cuh"), std::string::npos) << error;
  EXPECT_FALSE(tenon::vgpu::Module::load("no bytes of ELF", 15, error));
  EXPECT_NE(error.find("cannot load kernels"), std::string::npos) << error;
}

TEST(VgpuCompiler, ReportsItsMessages) {
  std::vector<char> object;
  std::string error = tenon::vgpu::compileForHost("int f() { return nothing; }", object);
  EXPECT_NE(error.find("the host compiler failed on a kernel"), std::string::npos);
  EXPECT_NE(error.find("nothing"), std::string::npos);
}

} // namespace
