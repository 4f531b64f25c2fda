//===- ScriptWriter.h - Writing the script of a plan -----------------------===//
#ifndef TENON_LIB_CONVERSION_SCRIPTWRITER_H
#define TENON_LIB_CONVERSION_SCRIPTWRITER_H

#include "Plan/IR/PlanOps.h"
#include "tenon/Plan/plan_generated.h"

namespace tenon {

/// `functions`: the number of each function in the plan, by name.
std::unique_ptr<plan::ScriptT> writeScript(plan_ir::ScriptOp script, const llvm::StringMap<uint32_t> &functions);

} // namespace tenon

#endif // TENON_LIB_CONVERSION_SCRIPTWRITER_H
