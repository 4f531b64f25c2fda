//===- RooflineTest.cpp - Predictions, by hand and against measurements ---===//
#include "tenon/Cost/Family.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::cost;

namespace {

/// 10 multiprocessors, 1 TFLOP/s, 100 GB/s, cache 1 TB/s, 1 us a launch.
Device toy() {
  Device device;
  device.rates.fill(0);
  device.rates[size_t(Unit::F32)] = 1e12;
  device.rates[size_t(Unit::F16)] = 8e12;
  device.units = 10;
  device.memoryBandwidth = 1e11;
  device.cacheBandwidth = 1e12;
  device.cacheBytes = 1 << 20;
  device.sharedBytesPerUnit = 64 << 10;
  device.sharedBytesPerBlock = 48 << 10;
  device.registersPerUnit = 65536;
  device.threadsPerUnit = 1024;
  device.blocksPerUnit = 8;
  device.launchSeconds = 1e-6;
  return device;
}

constexpr Efficiency half = {{0.25, 0.5, 1}, {0.25, 0.5, 1}, 8};

TEST(Roofline, ResidentBlocksAreLimitedByWhatRunsOut) {
  EXPECT_EQ(residentBlocks(toy(), {1, 128, 32, 0}), 8);        // threads: 1024 / 128
  EXPECT_EQ(residentBlocks(toy(), {1, 64, 32, 0}), 8);         // blocks
  EXPECT_EQ(residentBlocks(toy(), {1, 256, 128, 0}), 2);       // registers: 65536 / (8 * 4096)
  EXPECT_EQ(residentBlocks(toy(), {1, 64, 33, 0}), 8);         // 33 * 32 is rounded up to 1280: 25 would fit
  EXPECT_EQ(residentBlocks(toy(), {1, 128, 32, 20 << 10}), 3); // shared: 64 / 21
  EXPECT_EQ(residentBlocks(toy(), {1, 128, 32, 49 << 10}), 0); // more than a block may have
  EXPECT_EQ(residentBlocks(toy(), {1, 2048, 32, 0}), 0);
}

TEST(Roofline, ArithmeticBound) {
  // 1e9 flops over 10 blocks: one each, 1 ms at peak, 2 ms at half.
  Estimate e = estimate(toy(), {1e9, 0, 0, Unit::F32}, {10, 256, 64, 0}, half);
  EXPECT_NEAR(e.seconds, 2e-3 + 1e-6, 1e-12);
  EXPECT_NEAR(e.best, 1e-3 + 0.5e-6, 1e-12);
  EXPECT_NEAR(e.worst, 4e-3 + 2e-6, 1e-12);
  EXPECT_NEAR(e.roofline, 1e-3, 1e-12);
  EXPECT_EQ(e.bound, Bound::Compute);
  EXPECT_NEAR(e.waves, 10.0 / 40, 1e-12); // 65536 / 16384 = 4 blocks resident
  EXPECT_NEAR(e.error(), (e.worst - e.seconds) / e.seconds, 1e-12);
}

TEST(Roofline, AnotherUnitHasAnotherPeak) {
  Estimate e = estimate(toy(), {8e9, 0, 0, Unit::F16}, {10, 256, 64, 0}, half);
  EXPECT_NEAR(e.compute, 2e-3, 1e-12);
  // What the device cannot do in a unit of its own is done by the ordinary cores.
  EXPECT_NEAR(estimate(toy(), {1e9, 0, 0, Unit::BF16}, {10, 256, 64, 0}, half).compute, 2e-3, 1e-12);
}

TEST(Roofline, TheLastWaveIsPaidForInFull) {
  // 11 blocks: one multiprocessor has two, each 1/11 of the work; 20 blocks: all have two.
  EXPECT_NEAR(estimate(toy(), {1.1e9, 0, 0, Unit::F32}, {11, 256, 64, 0}, half).compute, 4e-3, 1e-12);
  EXPECT_NEAR(estimate(toy(), {2e9, 0, 0, Unit::F32}, {20, 256, 64, 0}, half).compute, 4e-3, 1e-12);
  EXPECT_NEAR(estimate(toy(), {1e9, 0, 0, Unit::F32}, {1, 256, 64, 0}, half).compute, 20e-3, 1e-12);
}

TEST(Roofline, FewWarpsDoNotFillAMultiprocessor) {
  // One block of 2 warps where 8 are needed: a quarter of the rate. Four such blocks share the multiprocessor well.
  EXPECT_NEAR(estimate(toy(), {1e9, 0, 0, Unit::F32}, {10, 64, 64, 0}, half).compute, 8e-3, 1e-12);
  EXPECT_NEAR(estimate(toy(), {1e9, 0, 0, Unit::F32}, {40, 64, 64, 0}, half).compute, 2e-3, 1e-12);
}

TEST(Roofline, MemoryBound) {
  // 1e8 bytes at 100 GB/s: 1 ms, at half of it 2 ms. Too much for the cache.
  Estimate e = estimate(toy(), {1e6, 1e8, 0, Unit::F32}, {1000, 256, 32, 0}, half);
  EXPECT_EQ(e.bound, Bound::Memory);
  EXPECT_NEAR(e.seconds, 2e-3 + 1e-6, 1e-12);
  EXPECT_NEAR(e.best, 1e-3 + 0.5e-6, 1e-12);
  EXPECT_NEAR(e.roofline, 1e-3, 1e-12);
}

TEST(Roofline, OneMultiprocessorDrawsTwiceItsShareOfTheBandwidth) {
  EXPECT_NEAR(estimate(toy(), {0, 1e8, 0, Unit::F32}, {1, 256, 32, 0}, half).memory, 10e-3, 1e-12);
  EXPECT_NEAR(estimate(toy(), {0, 1e8, 0, Unit::F32}, {5, 256, 32, 0}, half).memory, 2e-3, 1e-12);
}

TEST(Roofline, WhatFitsTheCacheMayComeFromThere) {
  // 1e6 bytes: 20 us typically, in the best case 1 us from the cache.
  Estimate e = estimate(toy(), {0, 1e6, 0, Unit::F32}, {1000, 256, 32, 0}, half);
  EXPECT_NEAR(e.seconds, 20e-6 + 1e-6, 1e-12);
  EXPECT_NEAR(e.best, 1e-6 + 0.5e-6, 1e-12);
}

TEST(Roofline, RereadsAreBoundByTheCache) {
  Estimate e = estimate(toy(), {0, 1e8, 4e9, Unit::F32}, {1000, 256, 32, 0}, half);
  EXPECT_EQ(e.bound, Bound::Cache);
  EXPECT_NEAR(e.cache, 8e-3, 1e-12);
}

TEST(Roofline, SmallAndEmptyGrids) {
  EXPECT_EQ(estimate(toy(), {100, 100, 0, Unit::F32}, {1, 256, 32, 0}, half).bound, Bound::Launch);
  EXPECT_EQ(estimate(toy(), {0, 0, 0, Unit::F32}, {0, 256, 32, 0}, half).seconds, 0);
}

TEST(Roofline, ACpuHasCoresInsteadOfBlocks) {
  Device cpu = toy();
  cpu.isGpu = false;
  cpu.units = 2;
  // 3 groups on 2 cores: one has two of them.
  EXPECT_NEAR(estimate(cpu, {3e9, 0, 0, Unit::F32}, {3, 1, 0, 0}, half).compute, 8e-3, 1e-12);
  EXPECT_NEAR(estimate(cpu, {0, 1e8, 0, Unit::F32}, {1, 1, 0, 0}, half).memory, 4e-3, 1e-12);
}

TEST(Family, IsSortedAndOrdered) {
  for (size_t i = 0; i < families().size(); ++i) {
    const Family &family = families()[i];
    if (i > 0)
      EXPECT_LT(families()[i - 1].name, family.name);
    for (const Share &share : {family.efficiency.compute, family.efficiency.memory}) {
      EXPECT_LT(0, share.worst) << family.name;
      EXPECT_LT(share.worst, share.typical) << family.name;
      EXPECT_LT(share.typical, share.best) << family.name;
      EXPECT_LE(share.best, 1) << family.name;
    }
    EXPECT_FALSE(family.source.empty()) << family.name;
  }
  EXPECT_EQ(findFamily("gemm_simt").name, "gemm_simt");
  EXPECT_EQ(findFamily("nonsense").name, "unknown");
}

TEST(Family, LargerTilesOfAThreadMultiplyMore) {
  EXPECT_NEAR(multiplyShare(8, 8), 64.0 / 70, 1e-12);
  EXPECT_NEAR(multiplyShare(4, 4), 16.0 / 20, 1e-12);
  EXPECT_NEAR(multiplyShare(8, 4), 32.0 / 37, 1e-12);
}

/// Measurements that others published: each must lie inside of the error bar. These are libraries and compilers of
/// others, so what is tested is the device descriptions and the shape of the model.
struct Published {
  const char *what, *device, *family;
  Work work;
  Grid grid;
  double seconds;
};

double product(double m, double n, double k) { return 2 * m * n * k; }

const Published published[] = {
    // pytorch issue 150360: 88.2 us by cuBLAS, 91.1 us by Triton.
    {"bf16 2040x3584x3584",
     "h100",
     "gemm_wgmma",
     {product(2040, 3584, 3584), 54.9e6, 0, Unit::BF16},
     {16 * 14, 384, 168, 200 << 10},
     88.2e-6},
    // NVIDIA/tilus pull request 86: cuBLAS on an H200.
    {"bf16 4096^3",
     "h200",
     "gemm_wgmma",
     {product(4096, 4096, 4096), 100.7e6, 0, Unit::BF16},
     {32 * 16, 384, 168, 200 << 10},
     product(4096, 4096, 4096) / 765e12},
    {"bf16 8192^3",
     "h200",
     "gemm_wgmma",
     {product(8192, 8192, 8192), 402.7e6, 0, Unit::BF16},
     {64 * 32, 384, 168, 200 << 10},
     product(8192, 8192, 8192) / 759e12},
    // QuACK and torch.compile: softmax of long rows on an H100, 3.01 and about 2.0 TB/s.
    {"softmax", "h100", "rows", {0, 2e9, 0, Unit::F32}, {16384, 256, 40, 1024}, 2e9 / 3.01e12},
    {"softmax by torch.compile", "h100", "rows", {0, 2e9, 0, Unit::F32}, {16384, 256, 40, 1024}, 2e9 / 2.0e12},
    // XAheli/Kernel-Profiling: vector addition on an H200, Triton at 86 % and plain CUDA at 36 % of bandwidth.
    {"vector addition by Triton",
     "h200",
     "elementwise",
     {0, 3e9, 0, Unit::F32},
     {65536, 256, 24, 0},
     3e9 / (0.86 * 4.8e12)},
    {"vector addition in CUDA",
     "h200",
     "elementwise",
     {0, 3e9, 0, Unit::F32},
     {65536, 256, 24, 0},
     3e9 / (0.36 * 4.8e12)},
};

/// Our own kernels for processors, by prototypes of them: 402 and 410 GFLOP/s on 2 cores, 32 where weights stream.
const Published measured[] = {
    {"f32 512^3",
     "xeon-avx512",
     "cpu_gemm",
     {product(512, 512, 512), 3.1e6, 0, Unit::F32},
     {4 * 16, 1, 0, 0},
     product(512, 512, 512) / 402e9},
    {"f32 1024^3",
     "xeon-avx512",
     "cpu_gemm",
     {product(1024, 1024, 1024), 12.6e6, 0, Unit::F32},
     {13 * 32, 1, 0, 0},
     product(1024, 1024, 1024) / 410e9},
    {"f32 1x4096x4096",
     "xeon-avx512",
     "cpu_gemm",
     {product(1, 4096, 4096), 67.1e6, 0, Unit::F32},
     {128, 1, 0, 0},
     product(1, 4096, 4096) / 32e9},
};

TEST(Measured, OurProductsLieInsideTheErrorBar) {
  for (const Published &each : measured) {
    Estimate e = estimate(*findDevice(each.device), each.work, each.grid, findFamily(each.family).efficiency);
    EXPECT_GE(each.seconds, e.best) << each.what;
    EXPECT_LE(each.seconds, e.worst) << each.what;
  }
}

TEST(Published, MeasurementsLieInsideTheErrorBar) {
  for (const Published &each : published) {
    Estimate e = estimate(*findDevice(each.device), each.work, each.grid, findFamily(each.family).efficiency);
    EXPECT_GE(each.seconds, e.best) << each.what;
    EXPECT_LE(each.seconds, e.worst) << each.what;
  }
}

TEST(Published, LibraryProductsArePredictedClosely) {
  for (const Published &each : published) {
    if (std::string_view(each.family) != "gemm_wgmma")
      continue;
    Estimate e = estimate(*findDevice(each.device), each.work, each.grid, findFamily(each.family).efficiency);
    EXPECT_NEAR(e.seconds / each.seconds, 1, 0.15) << each.what;
  }
}

} // namespace
