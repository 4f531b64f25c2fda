//===- FunctionVerifier.h - Static verification of one function -----------===//
#ifndef TENON_LIB_PLAN_FUNCTIONVERIFIER_H
#define TENON_LIB_PLAN_FUNCTIONVERIFIER_H

#include "tenon/Plan/Status.h"
#include "tenon/Plan/Vectors.h"

namespace tenon::plan {

/// `codes` are indices of the plan's code objects, in ascending order. `what` they belong to is for the message.
Status verifyCodes(const Plan &plan, const std::string &what, const flatbuffers::Vector<uint32_t> *codes);

/// Checks shape program, tensors, buffers and records of a function whose plan-level tables are verified.
Status verifyFunction(const Plan &plan, const Function &function);

} // namespace tenon::plan

#endif // TENON_LIB_PLAN_FUNCTIONVERIFIER_H
