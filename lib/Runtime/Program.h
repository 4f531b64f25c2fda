//===- Program.h - A verified function in the form the executor runs ------===//
#ifndef TENON_LIB_RUNTIME_PROGRAM_H
#define TENON_LIB_RUNTIME_PROGRAM_H

#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/Tensor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::runtime {

/// An optional shape value that is absent.
inline constexpr uint32_t noValue = 4294967295u;

enum class StepKind : uint8_t { Launch, Copy, Collective };

/// A record that takes time: all but checks. Numbers named so are shape values.
struct Step {
  StepKind kind = StepKind::Launch;
  bool isHost = false;                                  ///< a launch on the processor beside the device
  uint32_t record = 0;                                  ///< index in the plan
  uint32_t kernel = 0;                                  ///< of a collective: index in Program::collectives
  uint32_t grid = noValue;                              ///< shape value; of a copy: its bytes
  uint32_t scratch = noValue;                           ///< shape value
  uint32_t flops = noValue, traffic = noValue;          ///< shape values
  uint32_t firstRef = 0, firstParam = 0, numParams = 0; ///< in Program::refs and ::params
  uint32_t numRefs = 0;               ///< of a copy: 2, source and target; of a collective: those it has
  uint32_t firstMap = 0, numMaps = 0; ///< in Program::maps
};

/// A function of a plan. Refers to the plan, which must outlive it.
struct Program {
  const plan::Function *function = nullptr;
  std::vector<TensorInfo> inputs, outputs;
  std::vector<Step> steps;
  std::vector<plan::BufferRef> refs;
  std::vector<uint32_t> params; ///< shape values
  std::vector<const plan::TensorMap *> maps;
  std::vector<const plan::Collective *> collectives;
  std::vector<const plan::Check *> checks;
  std::vector<int64_t> weightOffsets; ///< where the device has each weight; empty: where the plan has it
  std::vector<size_t> elementsRead;   ///< of each input, by the shape program

  uint32_t rank = 0; ///< the one whose function it is

  /// Decodes function `index` of a verified plan: the records that run with code object `code`.
  Program(const plan::Plan &plan, size_t code, uint32_t index = 0, std::vector<int64_t> weightOffsets = {});
  /// Name of the kernel of a step, or "copy", or the kind of a collective: "AllReduce".
  std::string nameOf(const plan::Plan &plan, const Step &step) const;
  std::vector<std::string> nodesOf(const Step &step) const;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_PROGRAM_H
