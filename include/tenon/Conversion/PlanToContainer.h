//===- PlanToContainer.h - Writing a plan module --------------------------===//
#ifndef TENON_CONVERSION_PLANTOCONTAINER_H
#define TENON_CONVERSION_PLANTOCONTAINER_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace tenon {

/// Code of every kernel of a plan for one architecture.
struct PlanCode {
  std::string arch;
  std::vector<char> object; ///< ELF shared object
};

/// What a plan holds beside its module.
struct PlanOptions {
  std::string target = "cpu";
  unsigned threads = 0;           ///< default thread count, 0 = all cores
  std::vector<PlanCode> code;     ///< best first
  std::string kernels;            ///< the KERNELS section
  std::string source;             ///< the SOURCE section, or empty
  std::vector<PlanCode> hostCode; ///< of kernels beside the device, best first
};

/// Writes the plan.program ops of `plan` as a container at `path`, whole or not at all. Constants are packed as they
/// are written. Errors (TN6xxx) are diagnostics of the module.
mlir::LogicalResult writePlan(mlir::ModuleOp plan, llvm::StringRef path, const PlanOptions &options);

} // namespace tenon

#endif // TENON_CONVERSION_PLANTOCONTAINER_H
