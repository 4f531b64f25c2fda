//===- ChooseGraph.cpp - A model as numbers -------------------------------===//
#include "ChooseGraph.h"

#include "Graph/IR/GraphOps.h"
#include "Graph/IR/SplitRules.h"
#include "tenon/Cost/DispatchCost.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::choice;
using namespace tenon::graph;

namespace {

constexpr int64_t maxExtent = int64_t(1) << 40; ///< larger ones are as good as this

class GraphBuilder {
public:
  GraphBuilder(func::FuncOp function, const llvm::StringMap<int64_t> &symbols, cost::Unit unit)
      : function(function), unit(unit) {
    for (const auto &symbol : symbols)
      cost.symbols[symbol.getKey()] = symbol.getValue();
  }

  Graph run();

private:
  int64_t valueOf(DimAttr e) const { return int64_t(std::min(double(cost.evaluate(e)), double(maxExtent))); }
  partition::TensorShape shapeOf(Type type) const;
  void findBatch();
  void addOp(Operation *op);
  void addOperand(GraphOp &node, Value v, LoopsOfDims &&loops);
  void markBatch(GraphOp &node, Operation *op, const SplitRule &rule);
  double flopsOf(Operation *op) const;
  void fuse();

  cost::Unit unitOf(Type type) const;

  func::FuncOp function;
  cost::Unit unit;
  cost::Context cost;
  Graph graph;
  llvm::DenseMap<Value, std::pair<int, int>> producers; ///< op and result
  llvm::DenseMap<Value, int> constants;
  llvm::DenseMap<Value, int> batchDims; ///< the dimension of samples, of values that have one
};

} // namespace

partition::TensorShape GraphBuilder::shapeOf(Type type) const {
  auto tensor = cast<RankedTensorType>(type);
  partition::TensorShape shape;
  for (DimAttr dim : getDims(tensor))
    shape.extents.push_back(valueOf(dim));
  const bool isHalved = tensor.getElementType().isF32() && (unit == cost::Unit::F16 || unit == cost::Unit::BF16);
  shape.elementBytes = isHalved ? 2 : int64_t(llvm::divideCeil(tensor.getElementTypeBitWidth(), 8));
  return shape;
}

/// Samples are what the first input has a row for each of.
void GraphBuilder::findBatch() {
  DimAttr batch;
  for (BlockArgument argument : function.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    graph.inputBytes += partition::partBytes(shapeOf(type), {}, {});
    if (type.getRank() == 0)
      continue;
    const DimAttr rows = getDim(type, 0);
    if (!batch) {
      batch = rows;
      graph.samples = valueOf(rows);
    }
    if (rows == batch)
      batchDims[argument] = 0;
  }
}

/// A loop over samples of an operand is one over samples; so are the dimensions of results that it runs over.
void GraphBuilder::markBatch(GraphOp &node, Operation *op, const SplitRule &rule) {
  for (auto [i, v] : llvm::enumerate(op->getOperands())) {
    auto found = batchDims.find(v);
    const int loop = found == batchDims.end() ? -1 : rule.operands[i][found->second];
    if (loop >= 0 && !node.loops[loop].isReduction)
      node.loops[loop].isBatch = true;
  }
  for (auto [i, v] : llvm::enumerate(op->getResults()))
    for (auto [axis, loop] : llvm::enumerate(rule.results[i]))
      if (loop >= 0 && node.loops[loop].isBatch && !batchDims.contains(v))
        batchDims[v] = int(axis);
}

double GraphBuilder::flopsOf(Operation *op) const {
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    const partition::TensorShape q = shapeOf(attention.getQ().getType()), k = shapeOf(attention.getK().getType()),
                                 v = shapeOf(attention.getV().getType());
    return 2.0 * double(q.extents[0] * q.extents[1]) * double(q.extents[2]) * double(k.extents[2]) *
           double(q.extents[3] + v.extents[3]);
  }
  auto structured = dyn_cast<IterationSpaceOpInterface>(op);
  if (!structured)
    return 0;
  double flops = structured.getFlopsPerPoint();
  for (DimAttr extent : structured.getIterationSpace().extents)
    flops *= double(valueOf(extent));
  return flops;
}

cost::Unit GraphBuilder::unitOf(Type type) const {
  Type element = cast<RankedTensorType>(type).getElementType();
  return element.isF16() ? cost::Unit::F16 : element.isBF16() ? cost::Unit::BF16 : unit;
}

void GraphBuilder::addOperand(GraphOp &node, Value v, LoopsOfDims &&loops) {
  Operand operand;
  operand.access = {shapeOf(v.getType()), {loops.begin(), loops.end()}};
  operand.isFloat = isa<FloatType>(cast<RankedTensorType>(v.getType()).getElementType());
  if (auto found = producers.find(v); found != producers.end())
    std::tie(operand.producer, operand.result) = found->second;
  if (auto constant = v.getDefiningOp<ConstantOp>()) {
    auto [entry, isNew] = constants.try_emplace(v, int(graph.constants.size()));
    operand.constant = entry->second;
    if (isNew)
      graph.constants.push_back(
          {nodeOf(constant.getLoc()), partition::partBytes(operand.access.shape, {}, {}), int(graph.ops.size())});
  }
  node.operands.push_back(std::move(operand));
}

/// Ops that are not known read their operands: so do most.
static Derivative derivativeOf(Operation *op) {
  if (isa<AddOp, SubOp, NegOp, CastOp, ReshapeOp, TransposeOp, SliceOp, ConcatOp, ExpandOp, PadOp, AveragePoolOp,
          ReduceSumOp, ReduceMeanOp>(op))
    return Derivative::Linear;
  if (isa<MatMulOp, ConvOp, ConvTransposeOp, MulOp, AttentionOp>(op))
    return Derivative::Product;
  if (isa<SoftmaxOp, ReluOp, SigmoidOp, TanhOp, ExpOp, SqrtOp>(op))
    return Derivative::Results;
  return isa<DimsOp>(op) ? Derivative::None : Derivative::Operands;
}

void GraphBuilder::addOp(Operation *op) {
  SplitRule rule = getSplitRule(op);
  GraphOp node;
  node.op = op;
  node.node = nodeOf(op->getLoc());
  node.kind = op->getName().getStringRef().str();
  for (const SplitLoop &loop : rule.loops)
    node.loops.push_back({valueOf(loop.extent), loop.kind != LoopKind::Parallel, false, !loop.extent.getConstant()});
  markBatch(node, op, rule);
  for (auto [i, v] : llvm::enumerate(op->getOperands())) {
    addOperand(node, v, std::move(rule.operands[i]));
    node.operands.back().isSliced = isa<SliceOp>(op) || (isa<GatherOp>(op) && i == 0);
  }
  for (auto [i, v] : llvm::enumerate(op->getResults())) {
    node.results.push_back({shapeOf(v.getType()), {rule.results[i].begin(), rule.results[i].end()}});
    producers[v] = {int(graph.ops.size()), int(i)};
  }
  node.resultFused.assign(op->getNumResults(), false);
  node.flops = flopsOf(op);
  if (op->getNumOperands() > 0)
    node.unit = unitOf(op->getOperand(0).getType());
  node.isView = isa<ReshapeOp>(op);
  node.isElementwise = isa<ElementwiseOpInterface>(op);
  node.derivative = derivativeOf(op);
  node.home = int(graph.ops.size());
  graph.flops += node.flops;
  graph.ops.push_back(std::move(node));
}

/// An elementwise op becomes part of the kernel that computes what it alone reads: dispatch formation does that later.
void GraphBuilder::fuse() {
  for (GraphOp &node : graph.ops) {
    if (!node.isElementwise)
      continue;
    for (Operand &operand : node.operands) {
      if (operand.producer < 0)
        continue;
      GraphOp &producer = graph.ops[operand.producer];
      if (!isa<IterationSpaceOpInterface>(producer.op) || !producer.op->getResult(operand.result).hasOneUse() ||
          (node.isFused && !producer.isElementwise)) // two products are two kernels
        continue;
      operand.isFused = node.isFused = true;
      producer.resultFused[operand.result] = true;
    }
  }
}

Graph GraphBuilder::run() {
  findBatch();
  for (Operation &op : function.getBody().front()) {
    if (isa<ConstantOp>(op))
      continue;
    if (!isa<func::ReturnOp>(op)) {
      addOp(&op);
      continue;
    }
    GraphOp outputs;
    for (Value v : op.getOperands())
      addOperand(outputs, v, LoopsOfDims(cast<RankedTensorType>(v.getType()).getRank(), -1));
    graph.outputs = std::move(outputs.operands);
  }
  graph.forwardOps = int(graph.ops.size());
  fuse();
  return std::move(graph);
}

Graph choice::buildGraph(func::FuncOp function, const llvm::StringMap<int64_t> &symbols, cost::Unit unit) {
  return GraphBuilder(function, symbols, unit).run();
}
