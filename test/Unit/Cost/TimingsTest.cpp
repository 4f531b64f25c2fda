//===- TimingsTest.cpp - The timing database ------------------------------===//
#include "tenon/Cost/Timings.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::cost;

namespace {

Timing make(std::string tactic, double microseconds, double spread = 0.01, int64_t size = 100, int64_t runs = 20) {
  return {"host", "0123", std::move(tactic), "a product", size, microseconds * 1e-6, spread, runs};
}

Timings of(std::initializer_list<Timing> list) {
  Timings timings;
  for (const Timing &each : list)
    timings.add(each);
  return timings;
}

TEST(Timings, AreReadAsWritten) {
  std::string text = of({make("rows=84", 12.5), make("rows=168", 10, 0.02)}).text();
  auto read = Timings::parse(text);
  ASSERT_TRUE(read) << read.status().str();
  EXPECT_EQ(read->text(), text);
  EXPECT_EQ(read->all().size(), 2u);
  EXPECT_EQ(text.find("rows=168") < text.find("rows=84"), true) << "sorted";
}

TEST(Timings, FilesAreJoinedByTheirLines) {
  std::string a = of({make("rows=84", 12)}).text(), b = of({make("rows=168", 10)}).text();
  EXPECT_EQ(Timings::parse(a + b)->text(), Timings::parse(b + a + a)->text());
}

TEST(Timings, TheEntryOfMoreRunsStays) {
  Timings timings = of({make("rows=84", 12, 0.01, 100, 20), make("rows=84", 5, 0.01, 100, 3)});
  ASSERT_EQ(timings.all().size(), 1u);
  EXPECT_EQ(timings.all()[0].runs, 20);
}

TEST(Timings, TheFastestIsChosenWhereItIsClearlyFaster) {
  EXPECT_EQ(of({make("rows=84", 12), make("rows=168", 10)}).choose("host", "0123", 100, "rows=84"), "rows=168");
  EXPECT_EQ(of({make("rows=84", 12), make("rows=168", 11.9)}).choose("host", "0123", 100, "rows=84"), "rows=84");
  EXPECT_EQ(of({make("rows=84", 12, 0.3), make("rows=168", 10)}).choose("host", "0123", 100, "rows=84"), "rows=84");
  EXPECT_EQ(of({make("rows=168", 10)}).choose("host", "0123", 100, "rows=84"), "rows=168");
}

TEST(Timings, NothingIsKnownOfOtherKernelsAndDevices) {
  Timings timings = of({make("rows=84", 12), make("rows=168", 10)});
  EXPECT_EQ(timings.choose("other", "0123", 100, "rows=84"), "");
  EXPECT_EQ(timings.choose("host", "4567", 100, "rows=84"), "");
}

TEST(Timings, WhatIsNotOfferedIsNotChosen) {
  Timings timings = of({make("rows=84", 12), make("rows=168", 10), make("cublaslt", 5)});
  auto own = [](std::string_view tactic) { return tactic.substr(0, 5) == "rows="; };
  EXPECT_EQ(timings.choose("host", "0123", 100, "rows=84"), "cublaslt");
  EXPECT_EQ(timings.choose("host", "0123", 100, "rows=84", own), "rows=168");
  EXPECT_EQ(timings.choose("host", "0123", 100, "rows=84", [](std::string_view) { return false; }), "");
}

TEST(Timings, TheNearestSizeDecides) {
  Timings timings = of({make("rows=84", 12, 0.01, 100), make("rows=168", 10, 0.01, 100),
                        make("rows=84", 50, 0.01, 1000), make("rows=168", 100, 0.01, 1000)});
  EXPECT_EQ(timings.choose("host", "0123", 120, "rows=84"), "rows=168");
  EXPECT_EQ(timings.choose("host", "0123", 900, "rows=336"), "rows=84");
}

TEST(Timings, ADamagedFileIsRefused) {
  std::string good = of({make("rows=84", 12)}).text();
  auto refused = [](const std::string &text, const char *line) {
    auto read = Timings::parse(text);
    return !read && read.status().error().code == "TN9032" &&
           read.status().error().message.find(line) != std::string::npos;
  };
  auto changed = [&](std::string from, std::string to) {
    std::string copy = good;
    size_t at = copy.find(from);
    EXPECT_NE(at, copy.npos) << from;
    return copy.replace(at, from.size(), to);
  };
  for (size_t cut = 1; cut + 1 < good.size(); ++cut)
    EXPECT_TRUE(refused(good + good.substr(0, cut), "line 2")) << cut;
  EXPECT_TRUE(refused("<<<<<<< HEAD\n" + good, "line 1"));
  EXPECT_TRUE(refused(changed("\"runs\":20", "\"runs\":0"), "line 1"));
  EXPECT_TRUE(refused(changed("\"median_us\":12", "\"median_us\":-1"), "line 1"));
  EXPECT_TRUE(refused(changed("\"median_us\":12", "\"median_us\":\"x\""), "line 1"));
  EXPECT_TRUE(refused(changed("\"median_us\"", "\"median\""), "line 1"));
  EXPECT_TRUE(refused("{\"a\":" + std::string(2000, '[') + "}", "line 1"));
}

TEST(Timings, AMissingFileIsAnErrorOfItsOwn) {
  auto read = Timings::read("/nonexistent/timings");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.status().error().code, "TN9033");
}

} // namespace
