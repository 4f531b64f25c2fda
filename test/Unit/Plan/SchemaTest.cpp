#include "SamplePlan.h"

#include <gtest/gtest.h>

#ifdef TENON_SCHEMA_COPY
// On a failure: build the target `plan-schema`, and commit what it writes.
TEST(Schema, TheCommittedHeaderIsUpToDate) {
  EXPECT_EQ(tenon::test::readFile(TENON_SCHEMA_COPY), tenon::test::readFile(TENON_SCHEMA_HEADER));
}
#endif
