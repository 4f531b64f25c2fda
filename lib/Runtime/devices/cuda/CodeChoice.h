//===- CodeChoice.h - Which code object a GPU runs ------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICES_CUDA_CODECHOICE_H
#define TENON_LIB_RUNTIME_DEVICES_CUDA_CODECHOICE_H

#include <cstddef>
#include <span>
#include <string>

namespace tenon::cuda {

/// A compute capability: 9.0 is {9, 0}.
struct Capability {
  int major = 0, minor = 0;
  std::string str() const { return std::to_string(major) + "." + std::to_string(minor); }
};

/// How well a GPU runs code for `arch`; 0: not at all. From best to worst:
///   "sm_90a", "sm_90"  made for exactly this capability; 'a' code runs on no other
///   "sm_86"            same major, lower minor; the highest minor is best
///   "sm_100f"          like "sm_100": the family of a major
///   "compute_80"       PTX for this capability or a lower one, which the driver compiles; the highest is best.
///                      "compute_90a" needs 9.0 exactly, "compute_100f" the same major.
int rankArch(const std::string &arch, Capability device);

/// Chooses the best of `archs`, of equals the first; where `forced` is not null, only that one. Returns an empty string
/// and `chosen`, or what the plan holds and why the device (named `name`) runs none of it.
std::string chooseCode(std::span<const char *const> archs, const char *forced, Capability device,
                       const std::string &name, size_t &chosen);

} // namespace tenon::cuda

#endif // TENON_LIB_RUNTIME_DEVICES_CUDA_CODECHOICE_H
