//===- Device.h - What the cost model knows of a machine ------------------===//
//
// A description is a text of lines `name = value  # source`; docs/Rationale/CostModel.md lists the names. Every figure
// names its source: a line without one is refused. Those of lib/Cost/Devices are part of the compiler.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COST_DEVICE_H
#define TENON_COST_DEVICE_H

#include "tenon/Plan/Status.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::cost {

/// What does the arithmetic: the ordinary cores in float, or the tensor cores in a type. A CPU has F32 and I8 (VNNI).
enum class Unit { F32, TF32, F16, BF16, I8 };
inline constexpr size_t unitCount = 5;

/// "f32", "tf32", "f16", "bf16", "i8".
std::string_view unitName(Unit unit);

/// One machine. Rates are peaks of the whole device, per second; sizes in bytes.
struct Device {
  std::string name;  ///< "h100": letters, digits, '-' and '_'
  std::string title; ///< for people
  std::string arch;  ///< the architecture that --device implies: "sm_90a", "x86-64-v4-vnni"
  bool isGpu = true;
  int64_t units = 1;                   ///< multiprocessors of a GPU, cores of a CPU
  double clock = 0;                    ///< Hz, sustained by all units at once
  std::array<double, unitCount> rates; ///< floating-point operations per second, a multiply-add is two; 0 = cannot
  double memoryBandwidth = 0;
  double cacheBandwidth = 0; ///< of the last level before memory that all units share (GPU), or of a core's L2 (CPU)
  int64_t memoryBytes = 0;   ///< of the device
  int64_t cacheBytes = 0;    ///< of that level
  int64_t sharedBytesPerUnit = 0;  ///< GPU: shared memory of a multiprocessor
  int64_t sharedBytesPerBlock = 0; ///< GPU: of a block, when asked for
  int64_t registersPerUnit = 0;    ///< GPU: 32-bit registers
  int64_t threadsPerUnit = 1;      ///< GPU: resident threads
  int64_t blocksPerUnit = 1;       ///< GPU: resident blocks
  double launchSeconds = 0;        ///< from one kernel to the next in a stream, or to start the threads of a pool

  double rate(Unit unit) const { return rates[size_t(unit)]; }
  /// The text it was read from.
  std::string text;
};

/// Reads a description. TN9030 with the line and what is wrong with it.
Expected<Device> parseDevice(std::string_view text);

/// The descriptions of the compiler, by name in alphabetical order.
const std::vector<Device> &builtinDevices();

/// A description of the compiler by its name ("h100"), or the file at a path (anything with a '/' or a '.'). TN9031
/// where there is neither.
Expected<Device> findDevice(const std::string &nameOrPath);

/// The device that kernels for `arch` are tuned for where no other is named; null for an unknown architecture.
const Device *deviceOfArch(std::string_view arch);

} // namespace tenon::cost

#endif // TENON_COST_DEVICE_H
