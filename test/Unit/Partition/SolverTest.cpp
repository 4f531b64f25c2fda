//===- SolverTest.cpp - The solver against every choice there is ----------===//
#include "tenon/Partition/Solver.h"
#include "ExhaustiveCheck.h"

#include "tenon/Partition/Exhaustive.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace tenon::partition;

namespace {

/// A graph of up to `maxNodes` ops with up to `maxStrategies` strategies, tensors that live for a while, sometimes
/// pins, groups and forbidden pairs. The capacity lies between hopeless and generous.
class RandomProblem {
public:
  explicit RandomProblem(uint64_t seed) : random(seed) {}

  Problem make(int maxNodes, int maxStrategies) {
    int count = draw(1, maxNodes);
    int strategies = draw(1, maxStrategies);
    problem.points = count + 1;
    for (int i = 0; i < count; ++i)
      addNode(i, draw(1, strategies));
    for (int j = 1; j < count; ++j)
      for (int k = draw(1, 3); k > 0; --k)
        addEdge(draw(std::max(0, j - 5), j - 1), j);
    if (draw(0, 3) == 0)
      addWishes();
    if (draw(0, 3) > 0)
      limitMemory();
    return std::move(problem);
  }

private:
  int draw(int low, int high) { return low + int(random() % uint64_t(high - low + 1)); }
  double price() { return draw(0, 9) == 0 ? 0 : draw(1, 1000) * 1e-6; }

  void addNode(int i, int strategies) {
    Node node;
    node.name = "op" + std::to_string(i);
    for (int s = 0; s < strategies; ++s)
      node.seconds.push_back(price());
    for (int k = draw(0, 2); k > 0; --k) {
      Tensor tensor{node.name + "." + std::to_string(k), i, std::min(problem.points - 1, i + draw(0, 6)), {}};
      for (int s = 0; s < strategies; ++s)
        tensor.bytes.push_back(draw(0, 100) << 20);
      node.tensors.push_back(std::move(tensor));
    }
    problem.nodes.push_back(std::move(node));
  }

  void addEdge(int from, int to) {
    Edge edge{from, to, {}};
    bool forbids = draw(0, 15) == 0;
    for (size_t k = problem.nodes[from].seconds.size() * problem.nodes[to].seconds.size(); k > 0; --k)
      edge.seconds.push_back(forbids && draw(0, 2) == 0 ? forbidden : price());
    problem.edges.push_back(std::move(edge));
  }

  void addWishes() {
    int last = int(problem.nodes.size()) - 1;
    int node = draw(0, last);
    problem.pins.push_back({node, draw(0, int(problem.nodes[node].seconds.size()) - 1)});
    std::vector<int> group;
    for (int i = 0; i <= last && group.size() < 3; ++i)
      if (problem.nodes[i].seconds.size() == problem.nodes[node].seconds.size())
        group.push_back(i);
    problem.groups.push_back(std::move(group));
  }

  void limitMemory() {
    std::vector<int64_t> most(problem.points);
    for (const Node &node : problem.nodes)
      for (const Tensor &tensor : node.tensors)
        for (int t = tensor.first; t <= tensor.last; ++t)
          most[t] += *std::max_element(tensor.bytes.begin(), tensor.bytes.end());
    problem.capacity = *std::max_element(most.begin(), most.end()) * draw(25, 90) / 100;
  }

  std::mt19937_64 random;
  Problem problem;
};

TEST(Solver, EqualsExhaustiveSearchOnRandomGraphs) {
  int found = 0, none = 0;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Problem problem = RandomProblem(seed).make(12, 6);
    (equalsExhaustive(problem, "seed " + std::to_string(seed)) ? found : none) += 1;
  }
  EXPECT_GE(found, 200);
  EXPECT_GE(none, 50);
}

TEST(Solver, MessagePassingBoundsFromBelow) {
  int found = 0, fits = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Problem problem = RandomProblem(seed).make(12, 6);
    Exhausted exact = exhaust(problem);
    SolverOptions options;
    options.tableOperations = 0;
    tenon::Expected<Answer> answer = solve(problem, options);
    ASSERT_TRUE(answer.ok());
    if (answer->infeasible)
      EXPECT_TRUE(exact.choice.empty());
    if (exact.choice.empty())
      continue;
    ++fits;
    EXPECT_LE(answer->bound, exact.seconds * (1 + 1e-9));
    if (!answer->found())
      continue;
    ++found;
    EXPECT_TRUE(isFeasible(problem, answer->choice));
  }
  EXPECT_EQ(found, fits);
  EXPECT_GE(fits, 100);
}

Node node(std::string name, std::vector<double> seconds, std::vector<Tensor> tensors = {}) {
  return {std::move(name), std::move(seconds), std::move(tensors), {}};
}

/// Two ops whose results live together at point 1; large and fast, or small and slow.
Problem pairOfOps() {
  Problem problem;
  problem.points = 3;
  problem.nodes = {node("a", {1, 3}, {{"a.y", 0, 1, {100 << 20, 40 << 20}}}),
                   node("b", {1, 5}, {{"b.y", 1, 2, {80 << 20, 20 << 20}}})};
  problem.edges = {{0, 1, {0, 1, 1, 0}}};
  return problem;
}

TEST(Solver, MemoryDecides) {
  Problem problem = pairOfOps();
  EXPECT_EQ(solve(problem)->choice, (Choice{0, 0}));
  problem.capacity = int64_t(130) << 20;
  tenon::Expected<Answer> answer = solve(problem);
  EXPECT_EQ(answer->choice, (Choice{1, 0})); // 3 + 1 + 1 against 1 + 5 + 1
  EXPECT_NEAR(answer->seconds, 5, 1e-9);
  EXPECT_NEAR(answer->bound, 5, 1e-7);
}

TEST(Solver, SaysWhatDoesNotFit) {
  Problem problem = pairOfOps();
  problem.capacity = int64_t(50) << 20;
  problem.pins = {{0, 0}};
  tenon::Expected<Answer> answer = solve(problem);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->infeasible);
  EXPECT_EQ(answer->shortage.point, 1);
  ASSERT_EQ(answer->shortage.holdings.size(), 2u);
  EXPECT_EQ(answer->shortage.holdings[0].bytes, int64_t(100) << 20);
  EXPECT_EQ(
      explain(problem, *answer).str(),
      "TN4002: no choice of strategies fits into 50.0 MiB per device: at point 1 of 3, 120.0 MiB are held at least: "
      "a.y 100.0 MiB, b.y 20.0 MiB [node a]; use devices with 120.0 MiB, more devices, smaller batches, or "
      "recomputation of what is held longest; without pins 60.0 MiB would do");
}

TEST(Solver, SaysWhatContradicts) {
  Problem problem = pairOfOps();
  problem.pins = {{0, 0}, {0, 1}};
  EXPECT_EQ(explain(problem, *solve(problem)).error().code, "TN4003");
  problem.pins = {{0, 0}, {1, 1}};
  problem.groups = {{0, 1}};
  EXPECT_EQ(solve(problem)->shortage.conflict, 1);
  problem.groups.clear();
  problem.edges[0].seconds[1] = forbidden;
  EXPECT_TRUE(solve(problem)->shortage.contradiction);
}

TEST(Solver, RefusesMalformedProblems) {
  auto messageOf = [](const Problem &problem) { return solve(problem).status().str(); };
  Problem problem = pairOfOps();
  problem.edges[0].seconds.pop_back();
  EXPECT_NE(messageOf(problem).find("matrix of another size"), std::string::npos);
  problem = pairOfOps();
  problem.nodes[1].tensors[0].last = 3;
  EXPECT_NE(messageOf(problem).find("points that do not exist"), std::string::npos);
  problem = pairOfOps();
  problem.nodes[0].seconds[0] = -1;
  EXPECT_NE(messageOf(problem).find("negative price"), std::string::npos);
  problem = pairOfOps();
  problem.nodes[0].tensors[0].bytes[0] = int64_t(1) << 62;
  EXPECT_NE(messageOf(problem).find("overflow"), std::string::npos);
  problem = pairOfOps();
  problem.groups = {{0, 2}};
  EXPECT_NE(messageOf(problem).find("a group names"), std::string::npos);
}

} // namespace
