//===- Inspect.h - What is in a file --------------------------------------===//
#ifndef TENON_TOOLS_TENON_INSPECT_H
#define TENON_TOOLS_TENON_INSPECT_H

#include "common/Inputs.h"
#include "common/Report.h"
#include "tenon/Plan/Container.h"
#include "llvm/Support/JSON.h"

namespace tenon::tools {

/// What to say of kernels.
struct KernelWishes {
  bool list = false;  ///< one by one
  std::string device; ///< predictions for this (a name or path); empty = what the plan was tuned for
};

/// Describes a plan: inputs, outputs, sections, code, and what each rank runs. Shapes, arena and floating-point
/// operations are those of `shapes`, with the defaults of completeInputs for what they leave open.
Expected<llvm::json::Object> describePlan(const plan::Container &container, const ShapeSet &shapes,
                                          const KernelWishes &kernels);

/// Prints what describePlan returns for people.
void printPlan(const llvm::json::Object &plan);

/// Describes and prints an ONNX model; returns the exit status.
int inspectModel(llvm::StringRef path, const Report &report);

/// One line per tensor: name, type and extents; `tensors` as in describePlan.
void printTensors(llvm::StringRef title, const llvm::json::Array &tensors);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_INSPECT_H
