// Ranks as threads: what they give, and how all end where one fails. The plans are made by hand, without kernels;
// test/Integration/test_ranks.py has all kinds of collectives.
#include "Plan/SampleRanks.h"
#include "SampleSession.h"
#include "tenon/Plan/Verifier.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
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

namespace {

/// Every kind of collective, for two rows.
RankMaker makeAllKinds() {
  RankMaker m(2);
  for (uint32_t rank : {0u, 1u})
    m.function(rank).shape.emplace_back(ShapeOp::Constant, 0, 0, 0, 2);
  const uint32_t two = uint32_t(m.function(0).shape.size() - 1), one = RankMaker::one;
  for (auto kind : {plan::CollectiveKind::AllReduce, plan::CollectiveKind::AllGather,
                    plan::CollectiveKind::ReduceScatter, plan::CollectiveKind::AllToAll})
    for (uint32_t rank : {0u, 1u}) {
      m.add(rank, kind, {0, 1});
      plan::CollectiveT &c = *m.function(rank).records.back()->operation.AsCollective();
      if (kind == plan::CollectiveKind::AllGather || kind == plan::CollectiveKind::ReduceScatter)
        c.extents = {one, one};
      if (kind == plan::CollectiveKind::AllGather || kind == plan::CollectiveKind::AllToAll)
        c.dims[0] = one;
      if (kind == plan::CollectiveKind::AllToAll) {
        c.axis = 1;
        c.extents = {two, two};
        c.concat_extents = {one, one};
      }
    }
  m.send(1, 0);
  m.receive(0, 1);
  return m;
}

/// The plan with one word changed, if its verifier takes it.
bool damage(const RankMaker &m, std::mt19937 &random, plan::PlanT &out) {
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, plan::Plan::Pack(builder, &m.plan));
  const uint32_t words = builder.GetSize() / 4, value = random() % 9;
  std::memcpy(builder.GetBufferPointer() + 4 * (random() % words), &value, sizeof(value));
  auto plan = plan::verifyPlan({builder.GetBufferPointer(), builder.GetSize()}, 64, 0);
  if (plan)
    (*plan)->UnPackTo(&out);
  return bool(plan);
}

} // namespace

TEST(Ranks, DoAllKinds) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8};
  auto outputs = open(makeAllKinds())->run(std::vector<Tensor>{floats(x, {2, 4})});
  ASSERT_TRUE(bool(outputs)) << outputs.status().str();
  EXPECT_EQ(toVector(outputs->front()), x); // what rank 1 has sent
}

/// Nothing that passes the verifier crashes, or waits for ever.
TEST(Ranks, SurviveDamage) {
  std::mt19937 random(1);
  const RankMaker good = makeAllKinds();
  const std::vector<float> x(8, 1);
  int run = 0;
  for (int i = 0; i < 400; ++i) {
    plan::PlanT plan;
    if (!damage(good, random, plan))
      continue;
    TemporaryFolder folder;
    if (!writePlan(folder / "a.tenon", plan, {}).ok())
      continue;
    if (auto session = Session::create(folder / "a.tenon")) {
      (void)(*session)->run(std::vector<Tensor>{floats(x, {2, 4})});
      ++run;
    }
  }
  EXPECT_GT(run, 40);
}
