// Collectives among GPUs by NCCL, on mocks of the driver and of NCCL; without NCCL the host does the same.
#include "CudaMockTest.h"
#include "DeviceSample.h"
#include "Plan/SampleRanks.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;
using plan::BufferKind;
using plan::CollectiveKind;
using plan::ShapeOp;

namespace {

/// Ranks whose data go by their arenas: x with its rows turned by the number of the rank.
class DeviceRankMaker : public RankMaker {
public:
  static constexpr uint32_t target = 3; ///< an arena like `other`, which is the source

  explicit DeviceRankMaker(uint32_t ranks) : RankMaker(ranks) {
    plan.target = "cuda";
    for (uint32_t rank = 0; rank < ranks; ++rank) {
      auto buffer = std::make_unique<plan::BufferT>(*function(rank).buffers[other]);
      function(rank).buffers.push_back(std::move(buffer));
      const uint32_t turned = constant(rank, rank * 16);
      const uint32_t rest = value(rank, ShapeOp::Sub, bytes, turned);
      copy(rank, {input, turned}, {other, zero}, rest);
      copy(rank, {input, zero}, {other, rest}, turned);
      copy(rank, {input, zero}, {target, zero}, bytes);
    }
  }

  uint32_t value(uint32_t rank, ShapeOp op, uint32_t a, uint32_t b, int64_t immediate = 0) {
    function(rank).shape.emplace_back(op, a, b, 0, immediate);
    return uint32_t(function(rank).shape.size() - 1);
  }
  uint32_t constant(uint32_t rank, int64_t number) { return value(rank, ShapeOp::Constant, 0, 0, number); }
  void copy(uint32_t rank, plan::BufferRef from, plan::BufferRef to, uint32_t count) {
    plan::CopyT copy;
    copy.source = std::make_unique<plan::BufferRef>(from);
    copy.target = std::make_unique<plan::BufferRef>(to);
    copy.bytes = count;
    add(rank, std::move(copy));
  }
  /// With parts along the second axis; the source has them where they are joined.
  void collective(CollectiveKind kind, const std::vector<uint32_t> &group, const std::vector<int64_t> &parts = {},
                  const std::vector<int64_t> &joined = {}) {
    for (size_t member = 0; member < group.size(); ++member) {
      const uint32_t rank = group[member];
      plan::CollectiveT data;
      data.kind = kind;
      data.group = group;
      data.source = std::make_unique<plan::BufferRef>(other, zero);
      data.target = std::make_unique<plan::BufferRef>(target, zero);
      data.axis = parts.empty() ? 0 : 1;
      data.dims = {rows, kind == CollectiveKind::AllGather ? constant(rank, parts[member]) : four};
      for (int64_t part : parts)
        data.extents.push_back(constant(rank, part));
      for (int64_t part : joined)
        data.concat_extents.push_back(constant(rank, part));
      if (!joined.empty())
        data.dims[0] = data.concat_extents[member];
      add(rank, std::move(data));
    }
  }
  void finish() { copy(0, {target, zero}, {result, zero}, bytes); }
};

class NcclTest : public CudaMockTest {
protected:
  void SetUp() override {
    CudaMockTest::SetUp();
    setenv("TENON_NCCL", TENON_MOCK_NCCL, 1);
    setenv("TENON_MOCK_DEVICES", "4", 1);
  }
  void TearDown() override {
    unsetenv("TENON_NCCL");
    unsetenv("TENON_MOCK_DEVICES");
    CudaMockTest::TearDown();
  }

  static std::unique_ptr<Session> open(const RankMaker &m, const std::vector<float> &weights = {}) {
    TemporaryFolder folder;
    plan::PlanT plan(m.plan);
    Status status = writePlan(folder / "a.tenon", plan, weights, textArchive({"MOCK"}), "sm_90a");
    EXPECT_TRUE(status.ok()) << status.str();
    auto session = Session::create(folder / "a.tenon");
    EXPECT_TRUE(bool(session)) << session.status().str();
    return session ? std::move(*session) : nullptr;
  }
  static Expected<std::vector<Tensor>> run(Session &session) {
    static const std::vector<float> x = [] {
      std::vector<float> x(16);
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = float(i * i % 23);
      return x;
    }();
    return session.run(std::vector<Tensor>{floats(x, {4, 4})});
  }
  static std::vector<float> results(const RankMaker &m, const std::vector<float> &weights = {}) {
    auto session = open(m, weights);
    for (int repeat = 0;; ++repeat) { // devices meet in the first run only
      auto y = run(*session);
      EXPECT_TRUE(bool(y)) << y.status().str();
      if (!y || repeat == 1)
        return y ? toVector(y->front()) : std::vector<float>();
    }
  }
  /// NCCL, which did `text`, must give what the host does.
  static void compare(DeviceRankMaker m, const std::string &text) {
    m.finish();
    const std::vector<float> got = results(m);
    const std::vector<std::string> launches = report().launches;
    EXPECT_NE(std::find(launches.begin(), launches.end(), text), launches.end()) << testing::PrintToString(launches);
    setenv("TENON_NCCL", "/nonexistent/libnccl.so.2", 1);
    EXPECT_EQ(got, results(m));
    EXPECT_TRUE(report().launches.empty());
    setenv("TENON_NCCL", TENON_MOCK_NCCL, 1);
  }
};

} // namespace

TEST_F(NcclTest, Reduces) {
  DeviceRankMaker m(3);
  m.collective(CollectiveKind::AllReduce, {0, 1, 2});
  compare(std::move(m), "all-reduce 16");
}

TEST_F(NcclTest, ReducesInGroups) {
  DeviceRankMaker m(4);
  m.collective(CollectiveKind::AllReduce, {1, 3});
  m.collective(CollectiveKind::AllReduce, {2, 0});
  m.collective(CollectiveKind::AllReduce, {2, 0});
  compare(std::move(m), "all-reduce 16");
}

TEST_F(NcclTest, GathersPartsInRows) {
  DeviceRankMaker m(3);
  m.collective(CollectiveKind::AllGather, {0, 1, 2}, {3, 0, 1});
  compare(std::move(m), "send 48 to 1, send 48 to 2, receive 16 from 2");
}

TEST_F(NcclTest, ScattersPartsInRows) {
  DeviceRankMaker m(3);
  m.collective(CollectiveKind::ReduceScatter, {0, 1, 2}, {1, 3, 0});
  compare(std::move(m), "reduce 4 to 0, reduce 12 to 1");
}

TEST_F(NcclTest, TurnsParts) {
  DeviceRankMaker m(2);
  auto add = [&](int64_t first, int64_t second) {
    m.collective(CollectiveKind::AllToAll, {0, 1}, {first, second}, {1, 3});
  };
  add(3, 1);
  compare(std::move(m), "send 4 to 1, receive 36 from 1");
}

TEST_F(NcclTest, PassesOn) {
  DeviceRankMaker m(3);
  for (auto [from, to] : {std::pair(2u, 1u), {1u, 0u}}) {
    m.send(from, to);
    m.receive(to, from);
    auto &sent = *m.function(from).records.back()->operation.AsCollective();
    auto &received = *m.function(to).records.back()->operation.AsCollective();
    sent.source = std::make_unique<plan::BufferRef>(m.other, m.zero);
    received.target = std::make_unique<plan::BufferRef>(m.target, m.zero);
  }
  compare(std::move(m), "receive 64 from 1");
}

TEST_F(NcclTest, NeedsAGpuForEachRank) {
  setenv("TENON_MOCK_DEVICES", "2", 1);
  DeviceRankMaker m(3);
  m.collective(CollectiveKind::AllReduce, {0, 1, 2});
  m.finish();
  EXPECT_FALSE(results(m).empty());
  EXPECT_TRUE(report().launches.empty());
}

TEST_F(NcclTest, HoldsTheWeightsOfItsRankOnly) {
  constexpr int64_t weightBytes = 1 << 16;
  DeviceRankMaker m(2);
  for (uint32_t rank : {0u, 1u}) {
    auto weight = std::make_unique<plan::WeightT>();
    weight->name = "w" + std::to_string(rank);
    weight->offset = uint64_t(rank) * weightBytes;
    weight->length = weightBytes;
    m.plan.weights.push_back(std::move(weight));
    auto buffer = std::make_unique<plan::BufferT>();
    buffer->kind = BufferKind::Weight;
    buffer->index = rank;
    buffer->bytes = m.constant(rank, weightBytes);
    m.function(rank).buffers.push_back(std::move(buffer));
    m.copy(rank, {4, m.zero}, {m.other, m.zero}, m.bytes);
  }
  m.collective(CollectiveKind::AllReduce, {0, 1});
  m.finish();
  std::vector<float> weights(size_t(2 * weightBytes / 4), 1);
  std::fill(weights.begin() + long(weights.size() / 2), weights.end(), 2.0f);
  setenv("TENON_MOCK_MEMORY", std::to_string(2 * weightBytes + 8192).c_str(), 1); // of both devices
  EXPECT_EQ(results(m, weights), std::vector<float>(16, 3));
}

TEST_F(NcclTest, EndsWhereARankFails) {
  DeviceRankMaker m(3);
  m.collective(CollectiveKind::AllReduce, {0, 1, 2});
  m.finish();
  plan::CheckT check; // evaluated before anything runs
  check.condition = m.zero;
  check.message = "no";
  m.add(1, std::move(check));
  auto session = open(m);
  for (int repeat = 0; repeat < 2; ++repeat) {
    auto y = run(*session);
    ASSERT_FALSE(bool(y));
    EXPECT_EQ(y.status().error().code, "TN7019") << y.status().str();
  }
}
