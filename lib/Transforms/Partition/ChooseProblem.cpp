//===- ChooseProblem.cpp - A graph and a mesh as a problem ----------------===//
#include "ChooseStrategies.h"
#include "Resharding.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace tenon;
using namespace tenon::choice;
using tenon::partition::CollectiveKind;
using tenon::partition::CollectiveStep;
using tenon::partition::Layout;
using tenon::partition::Mesh;
using tenon::partition::TensorShape;

/// Axes nest in their order.
static partition::AxesOfDims axesOf(const Placement &placement) {
  partition::AxesOfDims dims(placement.units.size());
  for (size_t axis = 0; axis < placement.axes.size(); ++axis)
    if (placement.axes[axis] >= 0)
      dims[placement.axes[axis]].push_back(unsigned(axis));
  return dims;
}

std::vector<CollectiveStep> choice::reshardSteps(const TensorShape &shape, const Mesh &mesh, const Placement &from,
                                                 const Placement &to) {
  llvm::SmallVector<bool> isCutAlike;
  for (auto [a, b] : llvm::zip_equal(from.units, to.units)) {
    // Heads and columns are cut alike, by heads: materialisation sees to it.
    const auto [fewer, more] = std::minmax(a, b);
    isCutAlike.push_back(fewer == more || (fewer > 0 && more % fewer == 0));
  }
  std::vector<CollectiveStep> steps;
  Layout now = from.axes;
  for (const partition::ReshardMove &move : partition::findMoves(axesOf(from), axesOf(to), isCutAlike)) {
    const int64_t before = partition::partBytes(shape, mesh, now);
    now[move.axis] = move.to;
    const bool isGather = move.kind == CollectiveKind::AllGather;
    steps.push_back({move.kind, int(move.axis), isGather ? partition::partBytes(shape, mesh, now) : before});
  }
  return steps;
}

namespace {

class ProblemBuilder {
public:
  ProblemBuilder(const Graph &graph, const Setting &setting) : graph(graph), setting(setting) {}

  PricedGraph run(int64_t capacity, bool recomputes);

private:
  void findLastUses();
  void addResult(partition::Node &node, int index, size_t number) const;
  partition::Node makeNode(int index) const;
  partition::Node makeOutputs();
  /// Adds the edge of an operand that op `consumer` reads in any of `placements`.
  void addEdge(const Operand &operand, int consumer, const std::vector<const Placement *> &placements);

  const Graph &graph;
  const Setting &setting;
  PricedGraph result;
};

} // namespace

/// A view holds no memory: who reads it reads what it is a view of.
void ProblemBuilder::findLastUses() {
  result.lastUse.assign(graph.ops.size(), 0);
  for (int i = 0; i < int(graph.ops.size()); ++i)
    result.lastUse[i] = i;
  for (const Operand &output : graph.outputs)
    if (output.producer >= 0)
      result.lastUse[output.producer] = int(graph.ops.size());
  for (int i = int(graph.ops.size()); i-- > 0;)
    for (const Operand &operand : graph.ops[i].operands)
      if (operand.producer >= 0)
        result.lastUse[operand.producer] =
            std::max(result.lastUse[operand.producer], graph.ops[i].isView || operand.isFused ? result.lastUse[i] : i);
}

void ProblemBuilder::addResult(partition::Node &node, int index, size_t number) const {
  const GraphOp &op = graph.ops[index];
  const TensorShape &shape = op.results[number].shape;
  partition::Tensor tensor = {node.name, index, result.lastUse[index], {}};
  for (const Strategy &strategy : result.strategies[index])
    tensor.bytes.push_back(partition::partBytes(shape, setting.mesh, strategy.results[number].axes));
  if (op.stateBytes > 0) { // the weight itself is counted where it is read
    tensor = {node.name + " (state)", 0, int(graph.ops.size()), std::move(tensor.bytes)};
    for (int64_t &bytes : tensor.bytes)
      bytes = bytes / shape.elementBytes * op.stateBytes;
  }
  if (!result.gaps.empty() && result.gaps[index][0] >= 0) {
    const auto [before, after] = result.gaps[index];
    partition::Tensor between = {node.name, before + 1, after - 1, tensor.bytes};
    for (size_t i = 0; i < between.bytes.size(); ++i)
      between.bytes[i] = result.strategies[index][i].isRecomputed ? 0 : between.bytes[i];
    node.tensors.push_back(std::move(between));
    node.tensors.push_back({node.name, after, tensor.last, tensor.bytes});
    tensor.last = before;
  }
  node.tensors.push_back(std::move(tensor));
}

partition::Node ProblemBuilder::makeNode(int index) const {
  const GraphOp &op = graph.ops[index];
  const std::vector<Strategy> &strategies = result.strategies[index];
  const int end = int(graph.ops.size());
  partition::Node node;
  node.name = op.node.empty() ? op.kind : op.node;
  for (const Strategy &strategy : strategies) {
    node.seconds.push_back(std::max(0.0, strategy.compute) + strategy.reduction);
    node.strategies.push_back(strategy.name);
  }
  for (size_t r = 0; r < op.results.size() && !op.isView; ++r)
    if (!op.resultFused[r])
      addResult(node, index, r);
  for (size_t i = 0; i < op.operands.size(); ++i) {
    const int constant = op.operands[i].constant;
    if (constant < 0 || graph.constants[constant].firstUser != index)
      continue;
    partition::Tensor &tensor = node.tensors.emplace_back();
    tensor = {graph.constants[constant].name, 0, end, {}};
    for (const Strategy &strategy : strategies)
      tensor.bytes.push_back(
          partition::partBytes(op.operands[i].access.shape, setting.mesh, strategy.operands[i].axes));
  }
  return node;
}

/// Whoever asks gets all of the results; inputs are held by everyone until then.
partition::Node ProblemBuilder::makeOutputs() {
  const int end = int(graph.ops.size());
  return {"results", {0.0}, {{"inputs", 0, end, {setting.inputBytes}}}, {"whole"}};
}

void ProblemBuilder::addEdge(const Operand &operand, int consumer, const std::vector<const Placement *> &placements) {
  const std::vector<Strategy> &producers = result.strategies[operand.producer];
  partition::Edge edge{operand.producer, consumer, {}};
  // Strategies are many, placements few.
  std::vector<std::tuple<const Placement *, const Placement *, double>> known;
  auto price = [&](const Placement &from, const Placement &to) {
    for (const auto &[a, b, seconds] : known)
      if (*a == from && *b == to)
        return seconds;
    const double seconds =
        partition::secondsOf(reshardSteps(operand.access.shape, setting.mesh, from, to), setting.collectives);
    known.push_back({&from, &to, seconds});
    return seconds;
  };
  for (const Strategy &from : producers)
    for (const Placement *to : placements)
      edge.seconds.push_back(price(from.results[operand.result], *to));
  if (llvm::any_of(edge.seconds, [](double seconds) { return seconds > 0; }))
    result.problem.edges.push_back(std::move(edge));
}

PricedGraph ProblemBuilder::run(int64_t capacity, bool recomputes) {
  const int end = int(graph.ops.size());
  for (const GraphOp &op : graph.ops)
    result.strategies.push_back(enumerateStrategies(op, setting));
  findLastUses();
  if (recomputes)
    allowRecomputation(graph, result);
  for (int i = 0; i < end; ++i) {
    result.problem.nodes.push_back(makeNode(i));
    for (size_t k = 0; k < graph.ops[i].operands.size(); ++k) {
      if (graph.ops[i].operands[k].producer < 0)
        continue;
      std::vector<const Placement *> placements;
      for (const Strategy &strategy : result.strategies[i])
        placements.push_back(&strategy.operands[k]);
      addEdge(graph.ops[i].operands[k], i, placements);
    }
  }
  for (const auto &[reader, operand, writer] : graph.updates) {
    std::vector<const Placement *> placements;
    for (const Strategy &strategy : result.strategies[reader])
      placements.push_back(&strategy.operands[operand]);
    Operand updated = graph.ops[reader].operands[operand];
    updated.producer = writer;
    addEdge(updated, reader, placements);
  }
  result.problem.nodes.push_back(makeOutputs());
  for (const Operand &output : graph.outputs) {
    const Placement whole = wholePlacement(output.access.shape, setting.mesh);
    if (output.producer >= 0)
      addEdge(output, end, {&whole});
  }
  result.problem.points = end + 1;
  result.problem.capacity = capacity;
  return std::move(result);
}

PricedGraph choice::priceGraph(const Graph &graph, const Setting &setting, int64_t capacity, bool recomputes) {
  return ProblemBuilder(graph, setting).run(capacity, recomputes);
}
