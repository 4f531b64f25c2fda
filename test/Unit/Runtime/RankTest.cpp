// Ranks as threads: what they give, and how all end where one fails. The plans are made by hand, without kernels;
// test/Integration/test_ranks.py has all kinds of collectives.
#include "Plan/SampleRanks.h"
#include "SampleSession.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;
using plan::ShapeOp;

namespace {

std::unique_ptr<Session> open(RankMaker m) {
  TemporaryFolder folder;
  Status status = writePlan(folder / "a.tenon", m.plan, {});
  EXPECT_TRUE(status.ok()) << status.str();
  auto session = Session::create(folder / "a.tenon");
  EXPECT_TRUE(bool(session)) << session.status().str();
  return session ? std::move(*session) : nullptr;
}

Status failureOf(RankMaker m) {
  const std::vector<float> x(8, 1);
  auto outputs = open(std::move(m))->run(std::vector<Tensor>{floats(x, {2, 4})});
  return outputs ? Status::success() : outputs.takeStatus();
}

RankMaker makeSum(uint32_t ranks) {
  RankMaker m(ranks);
  std::vector<uint32_t> all(ranks);
  std::iota(all.begin(), all.end(), 0u);
  m.allReduce(all);
  return m;
}

/// Fails for two rows.
void addCheck(RankMaker &m, uint32_t rank) {
  m.function(rank).shape.emplace_back(ShapeOp::Equal, RankMaker::rows, RankMaker::one, 0, 0);
  plan::CheckT check;
  check.condition = uint32_t(m.function(rank).shape.size() - 1);
  check.message = "one row, please";
  m.add(rank, std::move(check));
}

} // namespace

TEST(Ranks, GiveTheOutputsOfTheFirst) {
  auto session = open(makeSum(4));
  ASSERT_EQ(session->outputs().size(), 1u);
  for (size_t rows : {1, 2000, 0}) {
    const std::vector<float> x(rows * 4, 1.5f);
    auto outputs = session->run(std::vector<Tensor>{floats(x, {int64_t(rows), 4})});
    ASSERT_TRUE(bool(outputs)) << outputs.status().str();
    EXPECT_EQ(toVector(outputs->front()), std::vector<float>(rows * 4, 6.0f));
  }
}

TEST(Ranks, RunInSeveralThreadsAtOnce) {
  auto session = open(makeSum(3));
  auto work = [&] {
    for (int i = 0; i < 30; ++i) {
      const std::vector<float> x(size_t(i + 1) * 4, float(i));
      auto outputs = session->run(std::vector<Tensor>{floats(x, {i + 1, 4})});
      ASSERT_TRUE(bool(outputs)) << outputs.status().str();
      EXPECT_EQ(toVector(outputs->front()), std::vector<float>(x.size(), 3.0f * float(i)));
    }
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
}

TEST(Ranks, EndWhereOneFails) {
  RankMaker m = makeSum(4);
  addCheck(m, 2);
  Status status = failureOf(std::move(m));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "TN7019") << status.str();
  EXPECT_NE(status.error().message.find("rank 2 has failed: TN7010: one row, please"), std::string::npos);
}

TEST(Ranks, FailAsTheFirstDoes) {
  RankMaker m = makeSum(2);
  addCheck(m, 0);
  EXPECT_EQ(failureOf(std::move(m)).error().code, "TN7010");
}

TEST(Ranks, FailAfterTheFirstHasEnded) {
  RankMaker m(3);
  m.send(0, 1);
  m.receive(1, 0);
  addCheck(m, 2);
  EXPECT_EQ(failureOf(std::move(m)).error().code, "TN7019");
}

TEST(Ranks, RefuseMessagesOfOtherSizes) {
  RankMaker m(2);
  m.send(0, 1);
  m.receive(1, 0);
  m.collective(1, 0).dims[0] = uint32_t(m.function(1).shape.size());
  m.function(1).shape.emplace_back(ShapeOp::Sub, RankMaker::rows, RankMaker::one, 0, 0);
  Status status = failureOf(std::move(m));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.str().find("TN7020"), std::string::npos) << status.str();
}

TEST(Ranks, RefuseBuffersThatAreTooSmall) {
  RankMaker m = makeSum(2);
  m.function(1).shape.emplace_back(ShapeOp::Add, RankMaker::rows, RankMaker::one, 0, 0);
  m.collective(1, 0).dims[0] = uint32_t(m.function(1).shape.size() - 1);
  Status status = failureOf(std::move(m));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.str().find("TN7012"), std::string::npos) << status.str();
}

TEST(Ranks, ShareThreadsAndProfile) {
  TemporaryFolder folder;
  RankMaker m = makeSum(2);
  ASSERT_TRUE(writePlan(folder / "a.tenon", m.plan, {}).ok());
  SessionOptions options;
  options.threads = 6;
  auto session = Session::create(folder / "a.tenon", options);
  ASSERT_TRUE(bool(session));
  EXPECT_EQ((*session)->threads(), 6u);
  Profile profile;
  RunOptions run;
  run.profile = &profile;
  const std::vector<float> x(4, 1);
  ASSERT_TRUE(bool((*session)->run(std::vector<Tensor>{floats(x, {1, 4})}, run)));
  ASSERT_EQ(profile.events.size(), 2u);
  EXPECT_EQ(profile.events[1].name, "AllReduce");
  EXPECT_EQ(profile.events[1].rank, 1u);
}
