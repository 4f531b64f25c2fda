//===- Instance.h - A program at one set of input shapes ------------------===//
//
// Everything that depends on shapes alone is computed once per set of input extents (and of the inputs' elements that
// extents depend on) and kept: shape values, buffer
// sizes and arena offsets, grids and parameters, the extents of the outputs.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_INSTANCE_H
#define TENON_LIB_RUNTIME_INSTANCE_H

#include "Device.h"
#include "Program.h"
#include "Ranks/Collective.h"
#include "tenon/Plan/Status.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace tenon::runtime {

/// Extents of all inputs, in model order.
using InputDims = std::vector<std::vector<int64_t>>;

/// What a program's shapes depend on.
struct ShapeInputs {
  InputDims dims;
  std::vector<std::vector<int64_t>> elements; ///< of the inputs whose values the shape program reads; else empty
  bool operator==(const ShapeInputs &) const = default;
};

/// Address of a buffer argument: an offset into the memory that `base` numbers (see below).
struct Address {
  uint32_t base;
  int64_t offset; ///< bytes
};

/// Memory that addresses start from: the arena and the weights on the device, both on the host for its kernels, the
/// inputs, then the outputs.
inline constexpr uint32_t arenaBase = 0, weightsBase = 1, hostArenaBase = 2, hostWeightsBase = 3, firstInputBase = 4;

/// Shape-dependent numbers of one step.
struct StepSizes {
  int64_t grid = 0;                 ///< work groups, or bytes of a copy; 0 for a collective
  int64_t flops = -1, traffic = -1; ///< for the profile
  int64_t scratch = 0;              ///< bytes
};

/// A program at one set of input extents. Immutable.
struct Instance {
  ShapeInputs inputs;
  InputDims outputs;                        ///< extents of the outputs
  std::vector<StepSizes> steps;             ///< one per Program::steps
  std::vector<Address> addresses;           ///< one per Program::refs
  std::vector<int64_t> params;              ///< one per Program::params
  std::vector<TensorMap> maps;              ///< one per Program::maps
  std::vector<CollectiveSizes> collectives; ///< one per Program::collectives
  int64_t arenaBytes = 0, hostArenaBytes = 0;
  int64_t scratchBytes = 0, hostScratchBytes = 0; ///< per thread, the most any step needs

  /// Evaluates the shape program and everything that follows from it. The ranks of `inputs` have been checked.
  static Expected<std::shared_ptr<const Instance>> create(const plan::Plan &plan, const Program &program,
                                                          ShapeInputs inputs);
};

/// The most recently used instances. Thread-safe.
class InstanceCache {
public:
  InstanceCache(const plan::Plan &plan, const Program &program) : plan(plan), program(program) {}
  Expected<std::shared_ptr<const Instance>> get(const ShapeInputs &inputs);

private:
  static constexpr size_t capacity = 32;
  const plan::Plan &plan;
  const Program &program;
  std::mutex mutex;
  std::vector<std::shared_ptr<const Instance>> entries; ///< most recent first
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_INSTANCE_H
