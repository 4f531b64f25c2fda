//===- ScriptForms.cpp - What operators of scripts take and give ----------===//
#include "tenon/Plan/ScriptForms.h"

#include "tenon/Plan/plan_generated.h"

namespace tenon::plan {

static constexpr uint32_t many = 1 << 16;

HostOpForm formOf(HostOp op) {
  switch (op) {
  case HostOp::NonZero:
    return {1, 1, 0, 1};
  case HostOp::Unique:
    return {1, 1, 3, 4};
  case HostOp::NonMaxSuppression:
    return {2, 5, 1, 1};
  case HostOp::SequenceConstruct:
    return {0, many, 1, 1};
  case HostOp::SequenceEmpty:
    return {0, 0, 1, 1};
  case HostOp::SequenceAt:
    return {2, 2, 0, 1};
  case HostOp::SequenceInsert:
    return {2, 3, 0, 1};
  case HostOp::SequenceErase:
    return {1, 2, 0, 1};
  case HostOp::SequenceLength:
    return {1, 1, 0, 1};
  case HostOp::ConcatFromSequence:
    return {1, 1, 2, 1};
  case HostOp::SplitToSequence:
    return {1, 2, 2, 1};
  case HostOp::OptionalNone:
    return {0, 0, 0, 1};
  case HostOp::OptionalHasElement:
    return {0, 1, 0, 1};
  case HostOp::OptionalGetElement:
    return {1, 1, 0, 1};
  case HostOp::Extent:
    return {1, 1, 1, 1};
  case HostOp::TakeElement:
    return {2, 2, 2, 1};
  }
  return {};
}

std::optional<HostOp> findHostOp(std::string_view name) {
  for (HostOp op : EnumValuesHostOp())
    if (name == EnumNameHostOp(op))
      return op;
  return std::nullopt;
}

} // namespace tenon::plan
