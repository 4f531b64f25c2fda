//===- InspectScript.h - Plans of several functions ------------------------===//
#ifndef TENON_TOOLS_TENON_INSPECTSCRIPT_H
#define TENON_TOOLS_TENON_INSPECTSCRIPT_H

#include "common/Inputs.h"
#include "tenon/Plan/Vectors.h"
#include "llvm/Support/JSON.h"

namespace tenon::tools {

using plan::length;

/// A function of a plan at one set of input extents.
struct SizedFunction {
  const plan::Function *function = nullptr;
  std::vector<int64_t> values; ///< of its shape program; empty where the extents do not suit it
  int64_t arena = 0;           ///< bytes
};

/// Evaluates the shape program of `function` and places its arena.
Expected<SizedFunction> sizeFunction(const plan::Function &function, const std::vector<std::vector<int64_t>> &dims,
                                     int64_t element);

/// All functions of a plan with a script, with the extents that `symbols` names; 16 stands for what only a run knows.
std::vector<SizedFunction> sizeFunctions(const plan::Plan &plan, const std::map<std::string, int64_t> &symbols);

/// The steps of the script in order, each an object of "depth" (of blocks), "text" and, if it has one, "node".
llvm::json::Array describeScript(const plan::Plan &plan);
void printScript(const llvm::json::Array &steps);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_INSPECTSCRIPT_H
