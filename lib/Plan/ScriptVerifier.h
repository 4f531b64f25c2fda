//===- ScriptVerifier.h - Static verification of a script -----------------===//
#ifndef TENON_LIB_PLAN_SCRIPTVERIFIER_H
#define TENON_LIB_PLAN_SCRIPTVERIFIER_H

#include "tenon/Plan/Status.h"
#include "tenon/Plan/plan_generated.h"

namespace tenon::plan {

/// Checks the script of a plan whose functions are verified: each value is written once, before it is read and where
/// the reader sees it, and operations have as many operands and results as what they run. Kinds, types and shapes of
/// values are checked as they are used.
Status verifyScript(const Plan &plan, const Script &script);

} // namespace tenon::plan

#endif // TENON_LIB_PLAN_SCRIPTVERIFIER_H
