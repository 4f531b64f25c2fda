//===- InspectRanks.h - What each rank of a plan does ---------------------===//
#ifndef TENON_TOOLS_TENON_INSPECTRANKS_H
#define TENON_TOOLS_TENON_INSPECTRANKS_H

#include "InspectKernels.h"

namespace tenon::tools {

/// One object a rank; a plan that was not partitioned has one. `functions` are those of the ranks, in order, or all of
/// such a plan. With `list` each kernel and collective is described.
llvm::json::Array describeRanks(const plan::Plan &plan, const KernelTable &table,
                                llvm::ArrayRef<SizedFunction> functions, bool list);

/// Prints what describeRanks returned; predictions are for `device` (a title), if it is not empty.
void printRanks(const llvm::json::Array &ranks, llvm::StringRef device);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_INSPECTRANKS_H
