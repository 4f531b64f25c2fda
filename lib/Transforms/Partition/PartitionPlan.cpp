//===- PartitionPlan.cpp - How the ops of a function are split ----------------===//
#include "PartitionPlan.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::partition {

TensorLayout OpPlan::layoutOf(const LoopsOfDims &dims) const {
  TensorLayout layout;
  for (int loop : dims)
    layout.push_back(loop < 0 || loops[loop].axes.empty() ? DimSplit() : loops[loop]);
  return layout;
}

TensorLayout OpPlan::result(unsigned i) const {
  TensorLayout layout = partial(i);
  for (const Combination &combination : combinations) {
    if (combination.dim < 0)
      continue;
    DimSplit &split = layout[combination.dim];
    split.axes.push_back(combination.axis);
    split.units = loops[rule.results[i][combination.dim]].units;
  }
  return layout;
}

bool isGenerator(Operation *op) { return op->getNumOperands() == 0 && isMemoryEffectFree(op); }

FailureOr<PartitionPlan> PartitionPlan::read(func::FuncOp function) {
  PartitionPlan plan;
  if (failed(plan.readGrid(function)))
    return failure();
  for (Operation &op : function.getBody().front().without_terminator())
    if (!isGenerator(&op) && failed(plan.readOp(&op)))
      return failure();
  plan.alignUnits(function);
  return plan;
}

LogicalResult PartitionPlan::readGrid(func::FuncOp function) {
  auto grids = function->getParentOfType<ModuleOp>().getOps<shard::GridOp>();
  if (grids.empty())
    return function.emitOpError() << "has " << axesAttr << ", but there is no shard.grid";
  grid.sizes.assign((*grids.begin()).getShape().begin(), (*grids.begin()).getShape().end());
  if (auto stages = function->getAttrOfType<IntegerAttr>(stagesAttr))
    grid.stages = stages.getInt();
  std::optional<int64_t> ranks = grid.stages >= 1 ? std::optional(grid.stages) : std::nullopt;
  for (int64_t size : grid.sizes)
    ranks = ranks && size >= 1 ? llvm::checkedMul(*ranks, size) : std::nullopt;
  if (!ranks || *ranks > maxRanks)
    return function.emitOpError() << "needs a grid of known extents, at least one stage, and at most " << maxRanks
                                  << " ranks";
  return readShares(function);
}

LogicalResult PartitionPlan::readShares(func::FuncOp function) {
  auto shares = function->getAttrOfType<ArrayAttr>(sharesAttr);
  if (!shares)
    return success();
  for (auto [axis, attr] : llvm::enumerate(shares)) {
    auto row = dyn_cast<DenseI64ArrayAttr>(attr);
    const bool fits = row && axis < grid.sizes.size() && row.size() == grid.sizes[axis] &&
                      llvm::all_of(
                          row.asArrayRef(), [](int64_t share) { return share >= 0 && share <= 1 << 20; }) &&
                      llvm::any_of(row.asArrayRef(), [](int64_t share) { return share > 0; });
    if (!fits)
      return function.emitOpError() << sharesAttr << " must give every device of an axis a share";
    grid.shares.emplace_back(row.asArrayRef());
  }
  if (grid.shares.size() != grid.sizes.size())
    return function.emitOpError() << sharesAttr << " must give every device of an axis a share";
  return success();
}

static LogicalResult readAxes(Operation *op, StringRef name, size_t count, SmallVector<int64_t> &values) {
  values.assign(count, -1);
  auto attr = op->getAttrOfType<DenseI64ArrayAttr>(name);
  if (!attr)
    return success();
  if (size_t(attr.size()) != count)
    return op->emitOpError() << name << " must have an entry for each of " << count << " axes, got " << attr.size();
  values.assign(attr.asArrayRef().begin(), attr.asArrayRef().end());
  return success();
}

/// True if a result dimension may be split by what a combination leaves on each member.
static bool canScatter(const OpPlan &plan, int64_t dim) {
  return plan.rule.results.size() == 1 && dim < int64_t(plan.rule.results[0].size()) && plan.rule.results[0][dim] >= 0;
}

LogicalResult PartitionPlan::readOp(Operation *op) {
  OpPlan plan;
  plan.rule = getSplitRule(op);
  plan.loops.resize(plan.rule.loops.size());
  if (auto stage = op->getAttrOfType<IntegerAttr>(stageAttr))
    plan.stage = stage.getInt();
  if (plan.stage < 0 || plan.stage >= grid.stages)
    return op->emitOpError() << stageAttr << " must be in [0, " << grid.stages << "), got " << plan.stage;
  SmallVector<int64_t> split, scatter;
  if (failed(readAxes(op, splitAttr, grid.sizes.size(), split)) ||
      failed(readAxes(op, scatterAttr, grid.sizes.size(), scatter)))
    return failure();
  for (auto [axis, loop] : llvm::enumerate(split)) {
    if (loop < -1 || loop >= int64_t(plan.loops.size()))
      return op->emitOpError() << splitAttr << " names loop " << loop << " of " << plan.loops.size();
    if (loop < 0 || grid.sizes[axis] == 1)
      continue;
    plan.loops[loop].axes.push_back(axis);
    const LoopKind kind = plan.rule.loops[loop].kind;
    if (kind == LoopKind::Parallel)
      continue;
    if (scatter[axis] >= 0 && !canScatter(plan, scatter[axis]))
      return op->emitOpError() << scatterAttr << " names dimension " << scatter[axis] << ", which cannot be split";
    auto &combinations = plan.combinations; // what is scattered comes first: less is left to reduce
    auto *at = scatter[axis] < 0 ? combinations.end()
                                 : llvm::find_if(combinations, [](const Combination &c) { return c.dim < 0; });
    combinations.insert(at, {unsigned(axis), kind, scatter[axis]});
  }
  // What is scattered first leaves less to reduce.
  for (auto [split, loop] : llvm::zip_equal(plan.loops, plan.rule.loops)) {
    split.units = loop.extent;
    for (; leavesNothing(split, grid); split.axes.pop_back()) // computed by all devices of the axis
      llvm::erase_if(plan.combinations, [&](const Combination &c) { return c.axis == split.axes.back(); });
  }
  ops[op] = std::move(plan);
  return success();
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

static bool divides(DimAttr a, DimAttr b) { return floorDiv(b, a) * a == b; }

/// The one of `extents` that divides all others; null if none does.
static DimAttr commonUnits(ArrayRef<DimAttr> extents) {
  for (DimAttr candidate : extents)
    if (llvm::all_of(extents, [&](DimAttr extent) { return candidate == extent || divides(candidate, extent); }))
      return candidate;
  return {};
}

/// Loops that the same axes split, of an op and of the reader of its result, take the same parts if that is possible:
/// the columns of a product by whole heads, where heads come next.
void PartitionPlan::alignUnits(func::FuncOp function) {
  using Node = std::pair<Operation *, int>;
  llvm::EquivalenceClasses<Node> classes;
  SmallVector<Node> nodes;
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (isGenerator(&op))
      continue;
    for (int i = 0; i < int(of(&op).loops.size()); ++i) {
      nodes.push_back({&op, i});
      classes.insert(nodes.back());
    }
    for (OpOperand &operand : op.getOpOperands()) {
      auto result = dyn_cast<OpResult>(operand.get());
      if (!result || isGenerator(result.getOwner()))
        continue;
      const OpPlan &producer = of(result.getOwner());
      const TensorLayout from = producer.result(result.getResultNumber()),
                         to = of(&op).operand(operand.getOperandNumber());
      for (size_t dim = 0; dim < to.size(); ++dim)
        if (!to[dim].axes.empty() && from[dim].axes == to[dim].axes)
          classes.unionSets({result.getOwner(), producer.rule.results[result.getResultNumber()][dim]},
                            {&op, of(&op).rule.operands[operand.getOperandNumber()][dim]});
    }
  }
  llvm::MapVector<Node, SmallVector<Node>> members;
  for (const Node &node : nodes)
    members[classes.getLeaderValue(node)].push_back(node);
  for (auto &[leader, group] : members) {
    const DimAttr units = commonUnits(
        llvm::map_to_vector(group, [&](const Node &node) { return of(node.first).rule.loops[node.second].extent; }));
    const bool isCoarse = units && llvm::any_of(group, [&](const Node &node) {
                            return leavesNothing({of(node.first).loops[node.second].axes, units}, grid);
                          });
    if (!units || isCoarse)
      continue;
    for (const Node &node : group)
      ops[node.first].loops[node.second].units = units;
  }
}

} // namespace tenon::partition
