//===- CpuInfo.cpp - What this processor can run --------------------------===//
//
// Levels of the x86-64 psABI, section 3.1.1; CPUID bits of the Intel SDM, volume 2A. A level counts only where the
// operating system saves its registers (XCR0).
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/CpuInfo.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include <sched.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace tenon::runtime {

#if defined(__x86_64__)

static bool has(uint64_t value, uint64_t bits) { return (value & bits) == bits; }
static constexpr uint32_t bit(int n) { return uint32_t(1) << n; }

static uint64_t readXcr0() {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

struct Processor {
  int level = 1; ///< of the psABI, 1 to 4
  bool hasVnni512 = false, hasVnni256 = false;
};

static bool hasVnni512() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && has(c, bit(11)); // AVX512_VNNI
}

static bool hasVnni256() {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && has(a, bit(4)); // AVX-VNNI
}

/// 1 to 4.
static int detectLevel() {
  unsigned a, b, c, d, b7 = 0, c81 = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return 1;
  const unsigned c1 = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
    b7 = b;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    c81 = c;
  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF-SAHF
  if (!has(c1, bit(0) | bit(9) | bit(13) | bit(19) | bit(20) | bit(23)) || !has(c81, bit(0)))
    return 1;
  // FMA, MOVBE, OSXSAVE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT; XMM and YMM saved
  if (!has(c1, bit(12) | bit(22) | bit(27) | bit(28) | bit(29)) || !has(b7, bit(3) | bit(5) | bit(8)) ||
      !has(c81, bit(5)) || !has(readXcr0(), 0x6))
    return 2;
  // AVX512F, DQ, CD, BW, VL; mask registers and ZMM saved
  if (!has(b7, bit(16) | bit(17) | bit(28) | bit(30) | bit(31)) || !has(readXcr0(), 0xe6))
    return 3;
  return 4;
}

static constexpr std::string_view levels[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};

static const Processor &processor() {
  static const Processor detected = [] {
    Processor found;
    found.level = detectLevel();
    found.hasVnni512 = found.level >= 4 && hasVnni512();
    found.hasVnni256 = found.level >= 3 && hasVnni256();
    return found;
  }();
  return detected;
}

bool cpuSupports(std::string_view arch) {
  if (arch == "x86-64-v4-vnni")
    return processor().hasVnni512;
  if (arch == "x86-64-v3-vnni")
    return processor().hasVnni256;
  for (int i = 0; i < processor().level; ++i)
    if (levels[i] == arch)
      return true;
  return false;
}

std::string_view cpuArch() { return levels[processor().level - 1]; }

#elif defined(__aarch64__)

bool cpuSupports(std::string_view arch) { return arch == "aarch64"; }
std::string_view cpuArch() { return "aarch64"; }

#else

bool cpuSupports(std::string_view) { return false; }
std::string_view cpuArch() { return "unknown"; }

#endif

/// Cores that the control group of a container grants (cgroup v2, cpu.max: "quota period" or "max period"), rounded up;
/// 0 where there is no limit.
static unsigned cgroupCores() {
  std::FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file)
    return 0;
  long long quota = 0, period = 0;
  const bool limited = std::fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0;
  std::fclose(file);
  return limited ? unsigned(std::min<long long>((quota + period - 1) / period, 65536)) : 0;
}

static unsigned affinityCores() {
  // Machines with more than 1024 logical processors need a larger set; the call fails on them with a smaller one.
  for (size_t size = 1024; size <= 65536; size *= 4) {
    cpu_set_t *set = CPU_ALLOC(size);
    if (!set)
      break;
    const size_t bytes = CPU_ALLOC_SIZE(size);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return unsigned(count);
  }
  return 1;
}

unsigned cpuCores() {
  const unsigned affinity = affinityCores(), granted = cgroupCores();
  return granted ? std::min(affinity, granted) : affinity;
}

} // namespace tenon::runtime
