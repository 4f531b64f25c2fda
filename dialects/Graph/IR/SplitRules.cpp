//===- SplitRules.cpp - How graph ops can be split over ranks ---------------===//
#include "Graph/IR/SplitRules.h"

#include "Graph/IR/OpSupport.h"

#include "Interfaces/SplitInterface.cpp.inc"

using namespace mlir;

namespace tenon::graph {

SmallVector<Value> cloneLocal(OpBuilder &builder, Operation *op, ValueRange operands, TypeRange types) {
  Operation *local = Operation::create(op->getLoc(), op->getName(), types, operands, op->getAttrDictionary(),
                                       op->getPropertiesStorage(), op->getSuccessors(), op->getNumRegions());
  builder.insert(local);
  return llvm::to_vector_of<Value>(local->getResults());
}

namespace {

/// The rule that follows from an iteration space: for every dimension that is a loop, that loop.
class SpaceRule {
public:
  SpaceRule(Operation *op, const IterationSpace &space) : op(op), space(space), canSplit(space.extents.size(), true) {}

  SplitRule run() {
    for (unsigned i = 0; i < space.maps.size(); ++i)
      addDims(i);
    for (auto [i, kind] : llvm::enumerate(space.iterators))
      canSplit[i] = canSplit[i] && kind == utils::IteratorType::parallel;
    return takeRule();
  }

private:
  RankedTensorType typeOf(unsigned map) const {
    const unsigned operands = op->getNumOperands();
    return tensorType(map < operands ? op->getOperand(map).getType() : op->getResult(map - operands).getType());
  }

  void addDims(unsigned map) {
    LoopsOfDims &dims = rows.emplace_back();
    for (auto [axis, expr] : llvm::enumerate(space.maps[map].getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      dims.push_back(loop ? int(loop.getPosition()) : -1);
      if (!loop) // a window, a stride
        for (unsigned i = 0; i < canSplit.size(); ++i)
          canSplit[i] = canSplit[i] && !expr.isFunctionOfDim(i);
      else if (getDim(typeOf(map), axis) != space.extents[loop.getPosition()]) // may broadcast in a run
        canSplit[loop.getPosition()] = false;
    }
  }

  SplitRule takeRule() {
    SplitRule rule;
    SmallVector<int> numbers;
    for (auto [can, extent] : llvm::zip_equal(canSplit, space.extents)) {
      numbers.push_back(can ? int(rule.loops.size()) : -1);
      if (can)
        rule.loops.push_back({extent, LoopKind::Parallel});
    }
    for (auto [i, dims] : llvm::enumerate(rows)) {
      for (int &loop : dims)
        loop = loop < 0 ? -1 : numbers[loop];
      (i < op->getNumOperands() ? rule.operands : rule.results).push_back(std::move(dims));
    }
    return rule;
  }

  Operation *op;
  const IterationSpace &space;
  SmallVector<bool> canSplit;
  SmallVector<LoopsOfDims> rows;
};

} // namespace

static SplitRule getWholeRule(Operation *op) {
  SplitRule rule;
  auto whole = [](Type type) { return LoopsOfDims(tensorType(type).getRank(), -1); };
  for (Value operand : op->getOperands())
    rule.operands.push_back(whole(operand.getType()));
  for (Value result : op->getResults())
    rule.results.push_back(whole(result.getType()));
  return rule;
}

SplitRule getSplitRule(Operation *op) {
  if (auto split = dyn_cast<SplitOpInterface>(op))
    return split.getSplitRule();
  if (auto structured = dyn_cast<IterationSpaceOpInterface>(op)) {
    const IterationSpace space = structured.getIterationSpace();
    if (space.maps.size() == op->getNumOperands() + op->getNumResults())
      return SpaceRule(op, space).run();
  }
  return getWholeRule(op);
}

SmallVector<Value> createLocal(OpBuilder &builder, Operation *op, ValueRange operands, TypeRange types,
                               const LocalPart &part) {
  if (auto split = dyn_cast<SplitOpInterface>(op))
    return split.createLocalPart(builder, operands, types, part);
  return cloneLocal(builder, op, operands, types);
}

} // namespace tenon::graph
