//===- HostOps.h - What scripts compute without a kernel ------------------===//
//
// Operators whose results have extents that only their data decide, and those on sequences and optionals. Each is a
// function of values that own their memory; it trusts neither shapes nor contents, which come from models and callers.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_HOSTOPS_H
#define TENON_LIB_RUNTIME_HOSTOPS_H

#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/Value.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tenon::runtime {

/// Operands in ONNX order, null where one is absent, and the numbers that plan.fbs lists for each operator.
struct HostOpCall {
  std::span<const Value *const> inputs;
  std::span<const int64_t> attributes;
};

/// All results; the plan's verifier has checked the numbers of operands and attributes. TN7018 where an operand is of
/// the wrong kind, type or shape, TN7011 where memory is short.
Expected<std::vector<Value>> runHostOp(plan::HostOp op, const HostOpCall &call);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_HOSTOPS_H
