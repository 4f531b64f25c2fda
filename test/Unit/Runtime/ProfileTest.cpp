#include "tenon/Runtime/Profile.h"

#include <gtest/gtest.h>

using namespace tenon::runtime;

TEST(Profile, WritesAChromeTrace) {
  Profile profile;
  profile.total = 3500;
  profile.events.push_back({"matmul", {"a\"b\\c\n"}, 4, 1000, 2345, 8, 100, -1});
  EXPECT_EQ(profile.chromeTrace(),
            "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
            "{\"name\":\"run\",\"ph\":\"X\",\"pid\":0,\"tid\":0,\"ts\":0,\"dur\":3.500},\n"
            "{\"name\":\"matmul\",\"ph\":\"X\",\"pid\":0,\"tid\":0,\"ts\":1.000,\"dur\":2.345,"
            "\"args\":{\"record\":4,\"grid\":8,\"flops\":100,\"nodes\":[\"a\\\"b\\\\c\\u000a\"]}}\n]}\n");
}
