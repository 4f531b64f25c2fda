// What ranks do together: a good plan, one change, the code and a piece of the message.
#include "SampleRanks.h"
#include "tenon/Plan/Verifier.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::plan;
using namespace tenon::test;

namespace {

Status verify(const RankMaker &m) {
  flatbuffers::FlatBufferBuilder builder;
  FinishPlanBuffer(builder, Plan::Pack(builder, &m.plan));
  return verifyPlan({builder.GetBufferPointer(), builder.GetSize()}, 64, 0).takeStatus();
}

void expectFailure(const RankMaker &m, const std::string &code, const std::string &text) {
  Status status = verify(m);
  ASSERT_FALSE(status.ok()) << "expected " << code << " " << text;
  EXPECT_EQ(status.error().code, code) << status.str();
  EXPECT_NE(status.error().message.find(text), std::string::npos) << status.str();
  EXPECT_FALSE(status.error().remedy.empty());
}

/// Ranks that do nothing together.
RankMaker makeLonely(uint32_t ranks) {
  RankMaker m(ranks);
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    CheckT check;
    check.condition = RankMaker::one;
    m.add(rank, std::move(check));
  }
  return m;
}

/// Three ranks: all together, then 0 to 2 by way of 1, then the outer two.
RankMaker makeGood() {
  RankMaker m(3);
  m.allReduce({0, 1, 2});
  m.send(0, 1);
  m.receive(1, 0);
  m.send(1, 2);
  m.receive(2, 1);
  m.allReduce({2, 0});
  return m;
}

} // namespace

TEST(RankVerifier, AcceptsRanksThatMeet) {
  EXPECT_TRUE(verify(makeGood()).ok()) << verify(makeGood()).str();
  EXPECT_TRUE(verify(makeLonely(1)).ok()) << verify(makeLonely(1)).str();
}

TEST(RankVerifier, ChecksFunctions) {
  RankMaker m = makeGood();
  m.plan.ranks[1] = 7;
  expectFailure(m, "TN6011", "rank 1: function 7 does not exist");
  m = makeGood();
  m.plan.ranks[2] = 0;
  expectFailure(m, "TN6023", "function 0 is that of two ranks");
  m = makeGood();
  m.plan.ranks.clear();
  expectFailure(m, "TN6023", "function 0 is of no rank");
  m = makeGood();
  m.function(1).inputs[0]->name = "z";
  expectFailure(m, "TN6023", "rank 1 has other inputs than rank 0");
  m = makeGood();
  m.function(1).outputs.push_back(std::make_unique<TensorT>(*m.function(0).outputs[0]));
  expectFailure(m, "TN6023", "rank 1 has outputs");
  m = makeLonely(5000);
  expectFailure(m, "TN6023", "5000 ranks, at most 4096");
}

TEST(RankVerifier, ChecksGroups) {
  for (std::vector<uint32_t> group : {std::vector<uint32_t>{}, {0}, {0, 1, 0}, {1, 2}}) {
    RankMaker m = makeGood();
    m.collective(0, 0).group = group;
    expectFailure(m, "TN6023", "rank 0, record 0: the group has");
  }
  RankMaker m = makeGood();
  m.collective(0, 0).group = {0, 1, 3};
  expectFailure(m, "TN6023", "there is no rank 3");
  for (std::vector<uint32_t> group : {std::vector<uint32_t>{}, {0}, {1, 2}}) {
    m = makeGood();
    m.collective(0, 1).group = group;
    expectFailure(m, "TN6023", "rank 0, record 1: a send or receive is with one other rank");
  }
}

TEST(RankVerifier, ComparesMembers) {
  auto expect = [](auto change, const char *what) {
    RankMaker m = makeGood();
    change(m.collective(1, 0));
    expectFailure(m, "TN6023", what);
  };
  expect([](CollectiveT &c) { c.type = plan::ElementType::I32; }, "element types differ");
  expect([](CollectiveT &c) { c.reduction = Reduction::Max; }, "reductions differ");
  expect([](CollectiveT &c) { c.dims.pop_back(); }, "the ranks of the tensors differ");
  expect([](CollectiveT &c) { c.dims[1] = RankMaker::one; }, "extents differ");
  expect([](CollectiveT &c) { c.axis = 1; }, "axes differ");
  expect(
      [](CollectiveT &c) {
        c.kind = CollectiveKind::ReduceScatter;
        c.extents = {RankMaker::one, RankMaker::one, RankMaker::one};
      },
      "kinds differ");
  RankMaker m = makeGood();
  m.collective(1, 1).type = plan::ElementType::F64; // the receive
  expectFailure(m, "TN6023", "element types differ");
}

TEST(RankVerifier, FindsDeadlocks) {
  RankMaker m(2); // both send first, and nothing is kept on the way
  m.send(0, 1);
  m.receive(0, 1);
  m.send(1, 0);
  m.receive(1, 0);
  expectFailure(m, "TN6024", "rank 0 is at record 0 (Send) and waits for rank 1; rank 1 is at record 0 (Send)");

  m = RankMaker(3); // two groups in different orders
  for (uint32_t rank : {0, 1, 2})
    for (int i : {0, 1}) {
      const bool first = (i == 0) == (rank != 1);
      if (first ? rank != 2 : rank != 0)
        m.add(rank, CollectiveKind::AllReduce, first ? std::vector<uint32_t>{0, 1} : std::vector<uint32_t>{1, 2});
    }
  EXPECT_TRUE(verify(m).ok()) << verify(m).str(); // 1 is with 2 first, and 0 waits
  m.add(0, CollectiveKind::Send, {1});
  expectFailure(m, "TN6024", "rank 0 is at record 1 (Send) and waits for rank 1; rank 1 has ended");
}

TEST(RankVerifier, ChecksOneMemberAlone) {
  auto expect = [](auto change, const std::string &code, const char *what) {
    RankMaker m = makeGood();
    change(m);
    expectFailure(m, code, what);
  };
  expect([](RankMaker &m) { m.collective(0, 0).target.reset(); }, "TN6021", "source or target");
  expect([](RankMaker &m) { m.collective(0, 0).source = std::make_unique<BufferRef>(9, 2); }, "TN6011",
         "buffer 9 of 3");
  expect([](RankMaker &m) { m.collective(0, 0).target = std::make_unique<BufferRef>(0, 2); }, "TN6021",
         "writes into a weight or an input");
  expect([](RankMaker &m) { m.collective(0, 0).source = std::make_unique<BufferRef>(1, 2); }, "TN6021",
         "one buffer as source and target");
  expect([](RankMaker &m) { m.collective(0, 0).dims[0] = 99; }, "TN6011", "shape value 99");
  expect([](RankMaker &m) { m.collective(0, 0).type = plan::ElementType::F8E5M2; }, "TN6021", "has no sums");
  expect([](RankMaker &m) { m.collective(0, 0).kind = CollectiveKind(9); }, "TN6021", "unknown kind");
  expect([](RankMaker &m) { m.collective(0, 0).kind = CollectiveKind::AllGather; }, "TN6021", "0 parts for 3 ranks");
  expect([](RankMaker &m) { m.record(0, 0).codes = {0}; }, "TN6011", "code object 0");
  expect([](RankMaker &m) { m.plan.target = "cuda"; }, "TN6021", "ranks do not reach buffer 0");
}
