//===- MeshGraphTest.cpp - Ops on meshes against every choice -------------===//
//
// Random chains of products, sums and pointwise ops, with the strategies and resharding prices that follow from their
// loops, on lines of devices and on grids, with and without a limit of memory.
//
//===----------------------------------------------------------------------===//
#include "ExhaustiveCheck.h"

#include "tenon/Partition/Strategies.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace tenon::partition;

namespace {

class MeshGraph {
public:
  MeshGraph(uint64_t seed, Mesh mesh) : random(seed), mesh(std::move(mesh)) {
    collectives = ringSeconds(this->mesh, std::vector<RingLink>(this->mesh.size(), {1e-6, 1e9}));
  }

  Problem make(int ops) {
    add(0, {}, 0);
    while (int(problem.nodes.size()) < ops)
      grow();
    problem.points = int(problem.nodes.size()) + 1;
    limitMemory();
    return std::move(problem);
  }

private:
  int draw(int low, int high) { return low + int(random() % uint64_t(high - low + 1)); }
  int64_t width() { return int64_t(draw(2, 12)) * 4; }

  /// A node of `nest`; the source of a tensor where there are no operands. Lives until its last reader.
  int add(double seconds, const std::vector<int> &operands, int kind) {
    LoopNest nest;
    int64_t columns = operands.empty() ? width() : shapes[operands[0]].extents[1];
    int64_t rows = operands.empty() ? batch : shapes[operands[0]].extents[0];
    nest.loops = {{"m", rows, false, true}, {"n", columns, false, true}};
    nest.result = {{{rows, columns}, 4}, {0, 1}};
    if (kind == 1) { // a product with the second operand
      nest.loops[1].extent = shapes[operands[1]].extents[1];
      nest.loops.push_back({"k", columns, true, true});
      nest.result.shape.extents[1] = nest.loops[1].extent;
      nest.operands = {{shapes[operands[0]], {0, 2}}, {shapes[operands[1]], {2, 1}}};
    } else {
      for (int operand : operands)
        nest.operands.push_back({shapes[operand], {0, 1}});
    }
    return addNode(nest, seconds, operands);
  }

  int addNode(const LoopNest &nest, double seconds, const std::vector<int> &operands) {
    int id = int(problem.nodes.size());
    strategies.push_back(enumerateStrategies(nest, mesh));
    shapes.push_back(nest.result.shape);
    problem.nodes.push_back(
        makeNode("op" + std::to_string(id), nest, strategies[id], seconds, mesh, collectives, id, id + 1));
    for (size_t i = 0; i < operands.size(); ++i) {
      problem.edges.push_back(makeEdge(operands[i], strategies[operands[i]], id, strategies[id], int(i),
                                       shapes[operands[i]], mesh, collectives));
      int &last = problem.nodes[operands[i]].tensors[0].last;
      last = std::max(last, id);
    }
    last = nest.operands.empty() ? last : id;
    return id;
  }

  void grow() {
    double seconds = draw(1, 50) * 1e-7;
    switch (draw(0, 2)) {
    case 0: { // a weight, and the product with it
      LoopNest weight;
      int64_t rows = shapes[last].extents[1], columns = width();
      weight.loops = {{"k", rows, false, true}, {"n", columns, false, true}};
      weight.result = {{{rows, columns}, 4}, {0, 1}};
      int id = addNode(weight, 0, {});
      add(seconds, {last, id}, 1);
      break;
    }
    case 1:
      add(seconds, {last}, 0);
      break;
    default: // a residual, where the shapes agree
      int other = draw(0, last);
      bool agrees = other != last && shapes[other].extents == shapes[last].extents;
      add(seconds, agrees ? std::vector<int>{last, other} : std::vector<int>{last}, 0);
    }
  }

  void limitMemory() {
    if (draw(0, 3) == 0)
      return;
    std::vector<int64_t> whole(problem.points);
    for (const Node &node : problem.nodes)
      for (int t = node.tensors[0].first; t <= node.tensors[0].last; ++t)
        whole[t] += node.tensors[0].bytes[0];
    problem.capacity = *std::max_element(whole.begin(), whole.end()) * draw(15, 95) / 100;
  }

  std::mt19937_64 random;
  Mesh mesh;
  CollectiveSeconds collectives;
  static constexpr int64_t batch = 24;
  Problem problem;
  std::vector<std::vector<OpStrategy>> strategies;
  std::vector<TensorShape> shapes;
  int last = 0; ///< the newest activation
};

void expectEqual(const Mesh &mesh, int ops, int graphs) {
  int found = 0;
  for (int seed = 1; seed <= graphs; ++seed)
    found += equalsExhaustive(MeshGraph(uint64_t(seed), mesh).make(ops), "seed " + std::to_string(seed));
  EXPECT_GE(found, graphs / 2);
  EXPECT_LT(found, graphs);
}

TEST(MeshGraph, LinesEqualExhaustiveSearch) {
  expectEqual({{"x", 2}}, 11, 100);
  expectEqual({{"x", 4}}, 11, 100);
}

TEST(MeshGraph, GridsEqualExhaustiveSearch) { expectEqual({{"x", 2}, {"y", 2}}, 5, 100); }

} // namespace
