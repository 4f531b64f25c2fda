#include "tenon/Runtime/CpuInfo.h"

#include <gtest/gtest.h>

using namespace tenon::runtime;

TEST(CpuInfo, SupportsItsOwnLevelAndThoseBelow) {
  EXPECT_TRUE(cpuSupports(cpuArch()));
  EXPECT_FALSE(cpuSupports("x86-64-v9"));
  EXPECT_FALSE(cpuSupports(""));
  EXPECT_GE(cpuCores(), 1u);
#if defined(__x86_64__)
  EXPECT_TRUE(cpuSupports("x86-64"));
  EXPECT_FALSE(cpuSupports("aarch64"));
  // A level implies the lower ones.
  EXPECT_TRUE(!cpuSupports("x86-64-v4") || cpuSupports("x86-64-v3"));
  EXPECT_TRUE(!cpuSupports("x86-64-v3") || cpuSupports("x86-64-v2"));
  EXPECT_TRUE(!cpuSupports("x86-64-v4-vnni") || cpuSupports("x86-64-v4"));
  EXPECT_TRUE(!cpuSupports("x86-64-v3-vnni") || cpuSupports("x86-64-v3"));
#endif
}

#if defined(__x86_64__) && defined(__GNUC__)
TEST(CpuInfo, AgreesWithTheCompilersLibrary) {
  EXPECT_EQ(cpuSupports("x86-64-v4"), __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
                                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd"));
  EXPECT_EQ(cpuSupports("x86-64-v3"),
            __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"));
  EXPECT_EQ(cpuSupports("x86-64-v4-vnni"), cpuSupports("x86-64-v4") && __builtin_cpu_supports("avx512vnni"));
}
#endif
