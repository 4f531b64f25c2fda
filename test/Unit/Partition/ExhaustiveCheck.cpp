//===- ExhaustiveCheck.cpp - A problem solved both ways -------------------===//
#include "ExhaustiveCheck.h"

#include "tenon/Partition/Exhaustive.h"
#include "tenon/Partition/Solver.h"

#include <gtest/gtest.h>

namespace tenon::partition {

bool equalsExhaustive(const Problem &problem, const std::string &what) {
  SCOPED_TRACE(what);
  Exhausted exact = exhaust(problem);
  tenon::Expected<Answer> answer = solve(problem);
  EXPECT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_EQ(answer->found(), !exact.choice.empty());
  EXPECT_EQ(answer->infeasible, exact.choice.empty());
  if (answer->found() && !exact.choice.empty()) {
    EXPECT_TRUE(isFeasible(problem, answer->choice));
    EXPECT_NEAR(answer->seconds, exact.seconds, 2e-9 * exact.seconds + 1e-15);
    EXPECT_LE(answer->bound, exact.seconds * (1 + 1e-9));
    EXPECT_LE(answer->gap(), 1e-8);
    return true;
  }
  const Shortage &shortage = answer->shortage;
  EXPECT_EQ(shortage.conflict >= 0 || shortage.contradiction, exact.smallestPeak < 0);
  if (exact.smallestPeak >= 0) {
    EXPECT_EQ(shortage.smallestPeak, exact.smallestPeak);
    EXPECT_LE(shortage.peakBound, exact.smallestPeak);
    EXPECT_GT(shortage.peakBound, problem.capacity);
  }
  EXPECT_FALSE(explain(problem, *answer).ok());
  return false;
}

} // namespace tenon::partition
