//===- CpuInfo.h - What this processor can run ----------------------------===//
#ifndef TENON_RUNTIME_CPUINFO_H
#define TENON_RUNTIME_CPUINFO_H

#include <string_view>

namespace tenon::runtime {

/// Whether this processor, under this operating system, runs code for `arch`: "x86-64", "x86-64-v2", "x86-64-v3" or
/// "x86-64-v4" (the levels of the x86-64 psABI), the last two also with "-vnni" (products of bytes: AVX512_VNNI beside
/// v4, AVX-VNNI beside v3), or "aarch64". False for any other name.
bool cpuSupports(std::string_view arch);

/// The highest supported level of the psABI, without "-vnni".
std::string_view cpuArch();

/// Cores that this process may use, by its affinity mask and its container's quota; at least 1.
unsigned cpuCores();

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPUINFO_H
