//===- ExhaustiveCheck.h - A problem solved both ways ---------------------===//
#ifndef TENON_TEST_PARTITION_EXHAUSTIVECHECK_H
#define TENON_TEST_PARTITION_EXHAUSTIVECHECK_H

#include "tenon/Partition/Problem.h"

namespace tenon::partition {

/// Expects that the solver's answer is the one of exhaustive search, price, bound, and smallest peak; `what` names the
/// problem in failures. Returns whether something fits.
bool equalsExhaustive(const Problem &problem, const std::string &what);

} // namespace tenon::partition

#endif // TENON_TEST_PARTITION_EXHAUSTIVECHECK_H
