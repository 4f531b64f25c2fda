//===- HostOps.cpp - What scripts compute without a kernel ----------------===//
#include "HostOps.h"

#include "Operators.h"

#include <new>
#include <stdexcept>

namespace tenon::runtime {

static HostResult dispatch(plan::HostOp op, const HostOpCall &call) {
  using plan::HostOp;
  switch (op) {
  case HostOp::NonZero:
    return runNonZero(call);
  case HostOp::Unique:
    return runUnique(call);
  case HostOp::NonMaxSuppression:
    return runNonMaxSuppression(call);
  case HostOp::SequenceConstruct:
    return runSequenceConstruct(call);
  case HostOp::SequenceEmpty:
    return runSequenceEmpty(call);
  case HostOp::SequenceAt:
    return runSequenceAt(call);
  case HostOp::SequenceInsert:
    return runSequenceInsert(call);
  case HostOp::SequenceErase:
    return runSequenceErase(call);
  case HostOp::SequenceLength:
    return runSequenceLength(call);
  case HostOp::ConcatFromSequence:
    return runConcatFromSequence(call);
  case HostOp::SplitToSequence:
    return runSplitToSequence(call);
  case HostOp::OptionalNone:
    return runOptionalNone(call);
  case HostOp::OptionalHasElement:
    return runOptionalHasElement(call);
  case HostOp::OptionalGetElement:
    return runOptionalGetElement(call);
  case HostOp::Extent:
    return runExtent(call);
  case HostOp::TakeElement:
    return runTakeElement(call);
  }
  return refuse("the operator " + std::to_string(int(op)) + " is unknown");
}

Expected<std::vector<Value>> runHostOp(plan::HostOp op, const HostOpCall &call) {
  try {
    return dispatch(op, call);
  } catch (const std::bad_alloc &) {
    return Status::outOfMemory();
  } catch (const std::length_error &) { // a vector of more than it can ever hold
    return Status::outOfMemory();
  }
}

} // namespace tenon::runtime
