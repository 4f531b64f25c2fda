//===- Verifier.h - Static verification of a plan -------------------------===//
#ifndef TENON_PLAN_VERIFIER_H
#define TENON_PLAN_VERIFIER_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <span>

namespace tenon::plan {

struct Plan;

/// Checks that `bytes` hold a plan of which every index, offset, length and alignment is in range, so that the runtime
/// need not check them again. The memory must be 8-byte aligned and outlive the result.
///   weights, code   lengths of these sections in bytes
/// Protects against damage and against our own bugs; what the kernels themselves do is trusted (SECURITY.md).
Expected<const Plan *> verifyPlan(std::span<const uint8_t> bytes, uint64_t weights, uint64_t code);

} // namespace tenon::plan

#endif // TENON_PLAN_VERIFIER_H
