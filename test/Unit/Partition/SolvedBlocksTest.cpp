//===- SolvedBlocksTest.cpp - The joint search over solved blocks ---------===//
//
// Blocks whose prices are answers of the intra-operator solver: a two-layer perceptron, forward, whose strategies
// follow from the loops of its products. Nobody says how tensor parallelism splits it.
//
//===----------------------------------------------------------------------===//
#include "tenon/Partition/Joint.h"
#include "tenon/Partition/Solver.h"
#include "tenon/Partition/Strategies.h"

#include <gtest/gtest.h>
#include <map>

using namespace tenon;
using namespace tenon::partition;

namespace {

constexpr double flopRate = 1e14, linkRate = 1e11, latency = 1e-5;
constexpr int64_t width = 4096, tokens = 512; ///< of a sample

/// y[m, n] = sum over k of x[m, k] w[k, n].
LoopNest product(int64_t m, int64_t n, int64_t k) {
  LoopNest nest;
  nest.loops = {{"m", m, false, true}, {"n", n, false, true}, {"k", k, true, true}};
  nest.operands = {{{{m, k}, 2}, {0, 2}}, {{{k, n}, 2}, {2, 1}}};
  nest.result = {{{m, n}, 2}, {0, 1}};
  return nest;
}

LoopNest pointwise(int64_t m, int64_t n) {
  LoopNest nest;
  nest.loops = {{"m", m, false, true}, {"n", n, false, true}};
  nest.operands = {{{{m, n}, 2}, {0, 1}}};
  nest.result = {{{m, n}, 2}, {0, 1}};
  return nest;
}

struct Solved {
  double seconds = 0;
  std::vector<std::string> strategies; ///< of both products and the op between them
};

/// Builds the problem of a block op by op.
class Block {
public:
  explicit Block(int tensor) : mesh({{"t", tensor, {}, {}}}), collectives(ringSeconds(mesh, {{latency, linkRate}})) {}

  int add(const LoopNest &nest, double seconds, std::vector<int> operands) {
    const int id = int(problem.nodes.size());
    strategies.push_back(enumerateStrategies(nest, mesh));
    problem.nodes.push_back(
        makeNode("op" + std::to_string(id), nest, strategies.back(), seconds, mesh, collectives, id, id + 1));
    for (size_t i = 0; i < operands.size(); ++i)
      problem.edges.push_back(makeEdge(operands[i], strategies[size_t(operands[i])], id, strategies.back(), int(i),
                                       nest.operands[i].shape, mesh, collectives));
    return id;
  }
  /// A weight. There is no room for all of it on each device.
  int weight(int64_t k, int64_t n) {
    const int id = add(pointwise(k, n), 0, {});
    if (mesh[0].size > 1)
      problem.nodes[size_t(id)].seconds[0] = forbidden;
    return id;
  }
  int multiply(int x, int w, int64_t m, int64_t n, int64_t k) {
    return add(product(m, n, k), 2.0 * double(m) * double(n) * double(k) / flopRate, {x, w});
  }

  const Mesh mesh;
  const CollectiveSeconds collectives;
  Problem problem;
  std::vector<std::vector<OpStrategy>> strategies;
};

/// The block on a line of `tensor` devices, which have the input whole and shall have the result whole.
Solved solveBlock(int tensor, int64_t m) {
  Block block(tensor);
  const int up = block.weight(width, 4 * width), down = block.weight(4 * width, width);
  const int input = block.add(pointwise(m, width), 0, {});
  const int inner = block.multiply(input, up, m, 4 * width, width);
  const int ramp = block.add(pointwise(m, 4 * width), 0, {inner});
  const int result = block.multiply(ramp, down, m, width, 4 * width);
  const int output = block.add(pointwise(m, width), 0, {result});
  block.problem.points = output + 2;
  block.problem.pins = {{input, 0}, {output, 0}}; // the first strategy splits nothing
  auto answer = solve(block.problem);
  EXPECT_TRUE(answer.ok() && answer->found());
  Solved solved{answer->seconds, {}};
  for (int op : {inner, ramp, result})
    solved.strategies.push_back(block.strategies[size_t(op)][size_t(answer->choice[size_t(op)])].name);
  return solved;
}

/// Perceptrons in a row; backward passes are taken as twice the forward one.
class Perceptrons final : public JointModel {
public:
  explicit Perceptrons(int blocks) : blocks(size_t(blocks), 0) {}
  std::span<const int> chain() const override { return blocks; }
  std::span<const std::string> variants() const override { return names; }
  std::optional<BlockPrice> price(int, const Form &form, int samples, int) const override {
    if (samples % form.data != 0)
      return std::nullopt;
    auto [found, isNew] = known.try_emplace({form.tensor, samples / form.data});
    if (isNew) {
      found->second = solveBlock(form.tensor, tokens * samples / form.data);
      ++solved;
    }
    const double seconds = found->second.seconds, parameters = 8.0 * width * width / form.tensor;
    const double kept = 2.0 * double(tokens) * width * (1 + 4.0 / form.tensor) * samples / form.data;
    return BlockPrice{{seconds, seconds, seconds}, parameters, 18 * parameters, kept, kept, kept};
  }
  Traffic transfer(int, const Form &form, int samples, int, bool) const override {
    return {latency, 2.0 * double(tokens) * width * samples / form.data / (linkRate / 10), true};
  }
  Traffic gradients(double parameters, const Form &form, int, bool) const override {
    return form.data == 1 ? Traffic{} : Traffic{latency, 4 * parameters / (linkRate / 10), true};
  }
  double optimizer(double parameters) const override { return 30 * parameters / 1.5e12; }

  mutable int solved = 0;

private:
  std::vector<int> blocks;
  std::vector<std::string> names = {"keep"};
  mutable std::map<std::pair<int, int>, Solved> known;
};

/// Shoeybi et al., 2019: the first product by columns, the second by rows, one sum.
TEST(SolvedBlocks, a_perceptron_is_split_by_columns_then_rows) {
  const Solved solved = solveBlock(8, 8 * tokens);
  ASSERT_EQ(solved.strategies.size(), 3u);
  EXPECT_EQ(solved.strategies[0], "n@t");
  EXPECT_EQ(solved.strategies[1], "n@t");
  EXPECT_TRUE(solved.strategies[2].starts_with("k@t")); // to parts and gathered, or summed at once: as dear
  const double flops = 2 * 2.0 * 8 * tokens * width * 4 * width;
  const double sum = 2 * (7 * latency + 2.0 * 8 * tokens * width * 7 / 8 / linkRate);
  EXPECT_NEAR(solved.seconds, flops / 8 / flopRate + sum, 1e-9);
}

TEST(SolvedBlocks, alike_blocks_are_solved_once_a_form) {
  const Perceptrons model(24);
  auto answer = solve(JointProblem{{{&model, 16, 24e9}}, 64, {}});
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  EXPECT_LE(answer->gap(), 0.05);
  EXPECT_LE(model.solved, 5 * 7); // degrees of 1 to 16 with 1 to 64 samples
  // 24 blocks have 58 GB of state: no device holds them alone.
  EXPECT_GT(answer->plan.stages() * answer->plan.forms[0].tensor, 2);
}

} // namespace
