//===- ChooseTraining.cpp - A step of training as a graph -----------------===//
//
// The gradient of an operand runs over the loops of its op: what it reads lies along them as forward, and what it makes
// lies as the operand. Loops that the operand does not have are summed over. So an op's derivative is split like the
// op, and no op needs code of its own here.
//
//===----------------------------------------------------------------------===//
#include "ChooseGraph.h"

#include <algorithm>
#include <map>
#include <optional>

using namespace tenon;
using namespace tenon::choice;

namespace {

constexpr int64_t adamBytes = 12;  ///< of an element: two moments, and the weight or its sum of updates in f32
constexpr double adamFlops = 12;   ///< of an element
constexpr int64_t leastWeight = 2; ///< elements of a constant that is trained

/// The result of an op; nothing: it comes from outside.
struct Value {
  int op = -1, result = 0;
  auto operator<=>(const Value &) const = default;
};

class TrainingBuilder {
public:
  explicit TrainingBuilder(Graph forward) : graph(std::move(forward)) {}

  Graph run();

private:
  void findTrained();
  bool isTrained(const Operand &operand) const;
  void differentiate(int index);
  void addGradient(int index, int operand);
  /// The gradients that came together for a value, as one; nothing: there is none.
  std::optional<Value> gradientOf(Value v, const Access &access);
  std::optional<Value> sum(std::vector<Value> &parts, const Access &access, int home);
  void addOptimizer(int constant);
  void fuse();

  Graph graph;
  std::vector<bool> passes;                      ///< op by op: something before it is trained
  std::map<Value, std::vector<Value>> gradients; ///< of results
  std::map<int, std::vector<Value>> ofConstants; ///< of weights
};

} // namespace

static int64_t elementsOf(const partition::TensorShape &shape) {
  return partition::partBytes(shape, {}, {}) / shape.elementBytes;
}

bool TrainingBuilder::isTrained(const Operand &operand) const {
  if (!operand.isFloat)
    return false;
  return operand.producer >= 0 ? passes[operand.producer]
                               : operand.constant >= 0 && elementsOf(operand.access.shape) >= leastWeight;
}

void TrainingBuilder::findTrained() {
  for (const GraphOp &op : graph.ops)
    passes.push_back(op.derivative != Derivative::None &&
                     llvm::any_of(op.operands, [&](const Operand &operand) { return isTrained(operand); }));
}

/// An op over all dimensions of a tensor.
static GraphOp makePointwise(const Access &access, std::string kind, int home) {
  GraphOp op;
  op.kind = std::move(kind);
  op.home = home;
  op.isElementwise = true;
  op.results = {access};
  op.resultFused = {false};
  op.results[0].loops.clear();
  for (int64_t extent : access.shape.extents) {
    op.results[0].loops.push_back(int(op.loops.size()));
    op.loops.push_back({extent});
  }
  return op;
}

static Operand makeOperand(const Access &access, Value v) {
  Operand operand;
  operand.access = access;
  operand.producer = v.op;
  operand.result = v.result;
  operand.isFloat = true;
  return operand;
}

std::optional<Value> TrainingBuilder::sum(std::vector<Value> &parts, const Access &access, int home) {
  if (parts.empty())
    return std::nullopt;
  while (parts.size() > 1) {
    GraphOp add = makePointwise(access, "graph.add", home);
    add.node = graph.ops[home].node;
    add.phase = graph.ops[parts.back().op].phase;
    add.unit = graph.ops[home].unit;
    add.flops = double(elementsOf(access.shape));
    for (int i = 0; i < 2; ++i, parts.pop_back())
      add.operands.push_back(makeOperand(add.results[0], parts.back()));
    // Samples stay samples.
    const GraphOp &maker = graph.ops[add.operands[0].producer];
    for (size_t d = 0; d < add.loops.size(); ++d) {
      const int loop = maker.results[add.operands[0].result].loops[d];
      add.loops[d].isBatch = loop >= 0 && maker.loops[loop].isBatch;
    }
    parts.push_back({int(graph.ops.size()), 0});
    graph.ops.push_back(std::move(add));
  }
  return parts.front();
}

std::optional<Value> TrainingBuilder::gradientOf(Value v, const Access &access) {
  auto found = gradients.find(v);
  return found == gradients.end() ? std::nullopt : sum(found->second, access, v.op);
}

void TrainingBuilder::addGradient(int index, int number) {
  const GraphOp &op = graph.ops[index];
  const Operand target = op.operands[number];
  GraphOp node;
  node.node = op.node;
  node.kind = op.kind;
  node.phase = target.constant >= 0 ? "weight gradient" : "input gradient";
  node.loops = op.loops;
  node.flops = op.flops;
  node.unit = op.unit;
  node.home = index;
  node.isView = op.isView;
  node.isElementwise = op.isElementwise;
  node.results = {target.access};
  node.resultFused = {false};
  for (int l = 0; l < int(node.loops.size()); ++l)
    node.loops[l].isReduction = !llvm::is_contained(target.access.loops, l);
  for (int r = 0; r < int(op.results.size()); ++r)
    if (auto found = gradients.find({index, r}); found != gradients.end() && !found->second.empty())
      node.operands.push_back(makeOperand(op.results[r], found->second.front()));
  for (int k = 0; k < int(op.operands.size()); ++k)
    if (op.operands[k].isFloat &&
        (op.derivative == Derivative::Operands || (op.derivative == Derivative::Product && k != number)))
      node.operands.push_back(op.operands[k]);
  if (op.derivative == Derivative::Results)
    for (int r = 0; r < int(op.results.size()); ++r)
      node.operands.push_back(makeOperand(op.results[r], {index, r}));
  for (Operand &operand : node.operands)
    operand.isFused = operand.isSliced = false;
  const Value made = {int(graph.ops.size()), 0};
  if (target.constant >= 0)
    ofConstants[target.constant].push_back(made);
  else
    gradients[{target.producer, target.result}].push_back(made);
  graph.ops.push_back(std::move(node));
}

void TrainingBuilder::differentiate(int index) {
  if (!passes[index])
    return;
  bool hasGradient = false;
  for (int r = 0; r < int(graph.ops[index].results.size()); ++r)
    hasGradient |= gradientOf({index, r}, graph.ops[index].results[r]).has_value();
  for (int k = 0; hasGradient && k < int(graph.ops[index].operands.size()); ++k)
    if (isTrained(graph.ops[index].operands[k]))
      addGradient(index, k);
}

/// Reads the gradient, and writes the weight that the next step reads.
void TrainingBuilder::addOptimizer(int constant) {
  const int user = graph.constants[constant].firstUser;
  int number = 0;
  while (graph.ops[user].operands[number].constant != constant)
    ++number;
  const Access access = graph.ops[user].operands[number].access;
  const std::optional<Value> gradient = sum(ofConstants[constant], access, user);
  GraphOp op = makePointwise(access, "optimizer", user);
  op.node = graph.constants[constant].name;
  op.phase = "optimizer";
  op.flops = adamFlops * double(elementsOf(access.shape));
  op.stateBytes = adamBytes;
  // Nothing but a gradient has samples; data-parallel devices may share the work all the same.
  for (Loop &loop : op.loops)
    loop.isShared = true;
  op.operands = {makeOperand(op.results[0], *gradient)};
  op.isElementwise = false;
  graph.updates.push_back({user, number, int(graph.ops.size())});
  graph.ops.push_back(std::move(op));
}

/// As in a run: elementwise ops become part of the kernel that makes what they alone read. What the way back reads of
/// the way there is in memory.
void TrainingBuilder::fuse() {
  std::map<Value, int> readers;
  for (const GraphOp &op : graph.ops)
    for (const Operand &operand : op.operands)
      ++readers[{operand.producer, operand.result}];
  for (int i = graph.forwardOps; i < int(graph.ops.size()); ++i) {
    GraphOp &op = graph.ops[i];
    for (Operand &operand : op.operands)
      if (operand.producer >= graph.forwardOps && op.isElementwise && !op.isView && !op.isFused &&
          !graph.ops[operand.producer].isView && readers[{operand.producer, operand.result}] == 1) {
        operand.isFused = op.isFused = true;
        graph.ops[operand.producer].resultFused[operand.result] = true;
      }
  }
  for (const GraphOp &op : graph.ops)
    for (const Operand &operand : op.operands)
      if (operand.producer >= 0 && !operand.isFused)
        graph.ops[operand.producer].resultFused[operand.result] = false;
}

Graph TrainingBuilder::run() {
  findTrained();
  for (const Operand &output : graph.outputs)
    if (output.producer >= 0 && output.isFloat)
      gradients[{output.producer, output.result}] = {};
  // The gradient of a result comes from outside: of a loss, which is small.
  for (auto &[value, parts] : gradients) {
    GraphOp seed = makePointwise(graph.ops[value.op].results[value.result], "loss", value.op);
    seed.phase = "input gradient";
    seed.isView = true;
    const Access &result = graph.ops[value.op].results[value.result];
    for (size_t d = 0; d < seed.loops.size(); ++d)
      seed.loops[d].isBatch = result.loops[d] >= 0 && graph.ops[value.op].loops[result.loops[d]].isBatch;
    seed.operands = {makeOperand(seed.results[0], value)};
    parts.push_back({int(graph.ops.size()), 0});
    graph.ops.push_back(std::move(seed));
  }
  for (int i = graph.forwardOps; i-- > 0;)
    differentiate(i);
  for (int i = 0; i < int(graph.constants.size()); ++i)
    if (!ofConstants[i].empty())
      addOptimizer(i);
  graph.outputs.clear();
  fuse();
  graph.flops = 0;
  for (const GraphOp &op : graph.ops)
    graph.flops += op.flops;
  return std::move(graph);
}

Graph choice::makeTraining(Graph forward) { return TrainingBuilder(std::move(forward)).run(); }
