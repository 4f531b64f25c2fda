//===- Operators.h - The operators on values, one by one ------------------===//
//
// Private to HostOps: runHostOp calls them. plan.fbs says what their attributes are.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_HOSTOPS_OPERATORS_H
#define TENON_LIB_RUNTIME_HOSTOPS_OPERATORS_H

#include "Operands.h"

namespace tenon::runtime {

HostResult runNonZero(const HostOpCall &call);
HostResult runUnique(const HostOpCall &call);
HostResult runNonMaxSuppression(const HostOpCall &call);

HostResult runSequenceConstruct(const HostOpCall &call);
HostResult runSequenceEmpty(const HostOpCall &call);
HostResult runSequenceAt(const HostOpCall &call);
HostResult runSequenceInsert(const HostOpCall &call);
HostResult runSequenceErase(const HostOpCall &call);
HostResult runSequenceLength(const HostOpCall &call);
HostResult runOptionalNone(const HostOpCall &call);
HostResult runOptionalHasElement(const HostOpCall &call);
HostResult runOptionalGetElement(const HostOpCall &call);

HostResult runConcatFromSequence(const HostOpCall &call);
HostResult runSplitToSequence(const HostOpCall &call);
HostResult runExtent(const HostOpCall &call);
HostResult runTakeElement(const HostOpCall &call);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_HOSTOPS_OPERATORS_H
