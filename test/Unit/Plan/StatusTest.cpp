#include "tenon/Plan/Status.h"
#include "tenon/Plan/Codes.h"

#include <gtest/gtest.h>

using namespace tenon;

TEST(Status, SuccessCarriesNothing) {
  EXPECT_TRUE(Status::success().ok());
  EXPECT_EQ(Status::success().str(), "ok");
}

TEST(Status, ErrorTakesItsRemedyFromTheTable) {
  Status status = Status::error("TN6002", "no signature");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().remedy, "pass a file written by `tenon compile`");
}

TEST(Status, TextNamesCodeMessageNodeAndRemedy) {
  EXPECT_EQ(Status::error("TN7010", "bad", "Add_0", "do this").str(), "TN7010: bad [node Add_0]; do this");
}

TEST(Codes, AreAscendingAndComplete) {
  std::size_t count = 0;
  const ErrorCode *codes = errorCodes(count);
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(codes[i].code.size(), 6u);
    EXPECT_FALSE(codes[i].title.empty());
    EXPECT_FALSE(codes[i].remedy.empty());
    EXPECT_TRUE(codes[i].exit >= 1 && codes[i].exit <= 6);
    EXPECT_TRUE(i == 0 || codes[i - 1].code < codes[i].code);
  }
  EXPECT_EQ(findErrorCode("TN0000"), nullptr);
}
