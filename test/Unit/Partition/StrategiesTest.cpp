//===- StrategiesTest.cpp - Splits and layouts, by hand -------------------===//
#include "tenon/Partition/Strategies.h"
#include "tenon/Partition/Solver.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tenon::partition;

namespace {

const Mesh line = {{"x", 4}};
const Mesh grid = {{"x", 2}, {"y", 4}};

/// [m, k] * [k, n], in f32.
LoopNest matmul(int64_t m, int64_t n, int64_t k) {
  return {{{"m", m, false, true}, {"n", n, false, true}, {"k", k, true, true}},
          {{{{m, k}, 4}, {0, 2}}, {{{k, n}, 4}, {2, 1}}},
          {{{m, n}, 4}, {0, 1}}};
}

LoopNest pointwise(int64_t m, int64_t n) {
  return {{{"m", m, false, true}, {"n", n, false, true}}, {{{{m, n}, 4}, {0, 1}}}, {{{m, n}, 4}, {0, 1}}};
}

/// An input or a weight: no operands, any layout.
LoopNest source(int64_t m, int64_t n) {
  LoopNest nest = pointwise(m, n);
  nest.operands.clear();
  return nest;
}

const OpStrategy &named(const std::vector<OpStrategy> &strategies, const std::string &name) {
  auto found = std::find_if(strategies.begin(), strategies.end(), [&](const OpStrategy &s) { return s.name == name; });
  EXPECT_NE(found, strategies.end()) << name;
  return *found;
}

TEST(Layout, LargestPart) {
  TensorShape shape{{10, 6}, 4};
  EXPECT_EQ(partBytes(shape, grid, {-1, -1}), 240);
  EXPECT_EQ(partBytes(shape, grid, {0, -1}), 120);
  EXPECT_EQ(partBytes(shape, grid, {-1, 0}), 3 * 6 * 4); // 10 over 4: 3, 3, 2, 2
  EXPECT_EQ(partBytes(shape, grid, {0, 0}), 2 * 6 * 4);  // 10 over 8
  EXPECT_EQ(partBytes(shape, grid, {1, 0}), 3 * 3 * 4);
}

TEST(Layout, ReshardSlicesFirstAndGathersLast) {
  TensorShape shape{{8, 8}, 4};
  EXPECT_TRUE(reshard(shape, grid, {0, 1}, {0, 1}).empty());
  std::vector<CollectiveStep> steps = reshard(shape, grid, {0, -1}, {-1, 0});
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].kind, CollectiveKind::Slice);
  EXPECT_EQ(steps[0].axis, 1);
  EXPECT_EQ(steps[1].kind, CollectiveKind::AllGather);
  EXPECT_EQ(steps[1].axis, 0);
  EXPECT_EQ(steps[1].bytes, 64); // a quarter of 256 in the end
  steps = reshard(shape, grid, {-1, 0}, {-1, 1});
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].kind, CollectiveKind::AllToAll);
  EXPECT_EQ(steps[0].bytes, 64);
}

TEST(Layout, RingTimes) {
  CollectiveSeconds seconds = ringSeconds(grid, {{1e-6, 1e9}, {2e-6, 1e8}});
  EXPECT_NEAR(seconds({CollectiveKind::AllGather, 0, 1000}), 1e-6 + 500e-9, 1e-15);
  EXPECT_NEAR(seconds({CollectiveKind::AllReduce, 1, 1000}), 2 * (6e-6 + 750e-8), 1e-15);
  EXPECT_EQ(seconds({CollectiveKind::Slice, 1, 1000}), 0);
}

TEST(Strategies, OfAProductOnALine) {
  std::vector<OpStrategy> strategies = enumerateStrategies(matmul(8, 16, 32), line);
  std::vector<std::string> names;
  for (const OpStrategy &strategy : strategies)
    names.push_back(strategy.name);
  EXPECT_EQ(names, (std::vector<std::string>{"whole", "m@x", "n@x", "k@x", "k@x>0", "k@x>1"}));
  const OpStrategy &rows = named(strategies, "m@x");
  EXPECT_EQ(rows.operands, (std::vector<Layout>{{0}, {-1}}));
  EXPECT_EQ(rows.result, Layout{0});
  EXPECT_EQ(rows.share, 0.25);
  EXPECT_TRUE(rows.steps.empty());
  const OpStrategy &sums = named(strategies, "k@x");
  EXPECT_EQ(sums.operands, (std::vector<Layout>{{1}, {0}}));
  EXPECT_EQ(sums.result, Layout{-1});
  ASSERT_EQ(sums.steps.size(), 1u);
  EXPECT_EQ(sums.steps[0].kind, CollectiveKind::AllReduce);
  EXPECT_EQ(sums.steps[0].bytes, 8 * 16 * 4);
  const OpStrategy &parts = named(strategies, "k@x>1");
  EXPECT_EQ(parts.result, Layout{1});
  EXPECT_EQ(parts.steps[0].kind, CollectiveKind::ReduceScatter);
}

TEST(Strategies, OfAProductOnAGrid) {
  std::vector<OpStrategy> strategies = enumerateStrategies(matmul(8, 16, 32), grid);
  EXPECT_EQ(strategies.size(), 36u); // 6 on each axis, all with points enough
  const OpStrategy &both = named(strategies, "m@x k@y");
  EXPECT_EQ(both.operands, (std::vector<Layout>{{0, 1}, {-1, 0}}));
  EXPECT_EQ(both.result, (Layout{0, -1}));
  EXPECT_EQ(both.share, 0.125);
  EXPECT_EQ(both.steps[0].bytes, 8 * 16 * 4 / 2); // of half the rows
  EXPECT_EQ(named(strategies, "m@x m@y").result, (Layout{0, 0}));
}

TEST(Strategies, UnevenAndTooSmallLoops) {
  std::vector<OpStrategy> strategies = enumerateStrategies(pointwise(10, 3), line);
  ASSERT_EQ(strategies.size(), 2u); // 3 columns are too few for 4 devices
  EXPECT_EQ(strategies[1].name, "m@x");
  EXPECT_NEAR(strategies[1].share, 0.3, 1e-15);
  LoopNest fixed = pointwise(10, 8);
  fixed.loops[1].canSplit = false;
  EXPECT_EQ(enumerateStrategies(fixed, line).size(), 2u);
}

/// Two layers of a transformer's feed-forward part, whose weights do not fit unless they are split, on a mesh where
/// moving activations is dear: the solver finds columns, then rows, with one reduction (Megatron-LM, Shoeybi et al.
/// 2019).
TEST(Strategies, ColumnsThenRows) {
  constexpr int64_t batch = 256, hidden = 1024, inner = 4096;
  CollectiveSeconds collectives = ringSeconds(line, {{1e-6, 1e10}});
  Problem problem;
  problem.points = 6;
  problem.capacity = 10 << 20; // weights are 16 MiB each
  std::vector<std::vector<OpStrategy>> strategies;
  std::vector<LoopNest> nests = {source(batch, hidden),   source(hidden, inner), matmul(batch, inner, hidden),
                                 pointwise(batch, inner), source(inner, hidden), matmul(batch, hidden, inner)};
  const char *names[] = {"x", "w1", "up", "gelu", "w2", "down"};
  for (int i = 0; i < 6; ++i) {
    strategies.push_back(enumerateStrategies(nests[i], line));
    bool isWeight = i == 1 || i == 4;
    problem.nodes.push_back(makeNode(names[i], nests[i], strategies[i], nests[i].operands.size() == 2 ? 1e-3 : 0, line,
                                     collectives, isWeight ? 0 : i, isWeight ? 5 : std::min(5, i + 1)));
  }
  auto connect = [&](int from, int to, int operand) {
    problem.edges.push_back(
        makeEdge(from, strategies[from], to, strategies[to], operand, nests[from].result.shape, line, collectives));
  };
  connect(0, 2, 0);
  connect(1, 2, 1);
  connect(2, 3, 0);
  connect(3, 5, 0);
  connect(4, 5, 1);
  problem.pins = {{0, 0}}; // the input is everywhere
  tenon::Expected<Answer> answer = solve(problem);
  ASSERT_TRUE(answer.ok() && answer->found());
  auto chosen = [&](int node) { return problem.nodes[node].strategies[answer->choice[node]]; };
  EXPECT_EQ(chosen(1), "n@x");
  EXPECT_EQ(chosen(2), "n@x");
  EXPECT_EQ(chosen(3), "n@x");
  EXPECT_EQ(chosen(4), "m@x");
  EXPECT_EQ(chosen(5).substr(0, 3), "k@x");
  EXPECT_LE(answer->gap(), 1e-8);
}

} // namespace
