//===- CpuInfo.h - What this processor can run ----------------------------===//
#ifndef TENON_RUNTIME_CPUINFO_H
#define TENON_RUNTIME_CPUINFO_H

#include <string_view>

namespace tenon::runtime {

/// Whether this processor, under this operating system, runs code for `arch`: "x86-64", "x86-64-v2", "x86-64-v3" or
/// "x86-64-v4" (the levels of the x86-64 psABI), or "aarch64". False for any other name.
bool cpuSupports(std::string_view arch);

/// The highest supported level of those names.
std::string_view cpuArch();

/// Cores that this process may use, by its affinity mask and its container's quota; at least 1.
unsigned cpuCores();

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPUINFO_H
