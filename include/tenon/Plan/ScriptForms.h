//===- ScriptForms.h - What operators of scripts take and give ------------===//
#ifndef TENON_PLAN_SCRIPTFORMS_H
#define TENON_PLAN_SCRIPTFORMS_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace tenon::plan {

enum class HostOp : uint8_t;

/// How many operands, attributes and results an operator has.
struct HostOpForm {
  uint32_t minInputs, maxInputs, attributes, results;
};
HostOpForm formOf(HostOp op);

/// The operator of this name in plan.fbs.
std::optional<HostOp> findHostOp(std::string_view name);

} // namespace tenon::plan

#endif // TENON_PLAN_SCRIPTFORMS_H
