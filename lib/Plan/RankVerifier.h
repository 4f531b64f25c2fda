//===- RankVerifier.h - Static verification of what ranks do together -----===//
#ifndef TENON_LIB_PLAN_RANKVERIFIER_H
#define TENON_LIB_PLAN_RANKVERIFIER_H

#include "tenon/Plan/Status.h"
#include "tenon/Plan/plan_generated.h"

namespace tenon::plan {

/// Checks the ranks of a plan whose functions are verified: each has a function of its own, with the inputs of the
/// first, and what they do together fits (TN6023) and comes to an end (TN6024): no rank waits for ever, though none
/// sends before the other receives. Extents are compared where they are constant; a run compares the others.
Status verifyRanks(const Plan &plan);

} // namespace tenon::plan

#endif // TENON_LIB_PLAN_RANKVERIFIER_H
