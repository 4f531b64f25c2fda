//===- Epilogue.cpp - Elementwise ops on accumulators ---------------------===//
#include "Generic.h"
#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

static SmallVector<DimAttr> dimsOf(Value v) { return getDims(cast<RankedTensorType>(v.getType())); }

/// True if every op on the way from operands and `heavyResult` to `value` is evaluable, and the heavy op's result is
/// used at its own extents only (its accumulators exist once).
static bool isEpilogue(Value value, Value heavyResult, ArrayRef<DimAttr> dims, llvm::DenseSet<Value> &seen) {
  if (value == heavyResult)
    return true;
  if (isa<BlockArgument>(value) || !seen.insert(value).second)
    return true;
  Operation *op = value.getDefiningOp();
  if (!isEvaluable(op) || !isa<ElementwiseOpInterface, ConstantOp>(op))
    return false;
  if (llvm::is_contained(op->getOperands(), heavyResult) && dimsOf(op->getResult(0)) != dims)
    return false;
  return llvm::all_of(op->getOperands(), [&](Value v) { return isEpilogue(v, heavyResult, dims, seen); });
}

bool Epilogue::isSupported(DispatchOp dispatch, Value heavyResult) {
  Operation *yield = dispatch.getBody().front().getTerminator();
  if (yield->getNumOperands() != 1)
    return false;
  llvm::DenseSet<Value> seen;
  auto dims = dimsOf(heavyResult);
  return dimsOf(yield->getOperand(0)) == dims && isEpilogue(yield->getOperand(0), heavyResult, dims, seen);
}

FailureOr<Epilogue> Epilogue::create(DispatchOp dispatch, Value heavyResult, KernelBuilder &kernel) {
  if (!isSupported(dispatch, heavyResult))
    return failure();
  return Epilogue(dispatch, heavyResult, kernel);
}

Value Epilogue::apply(OpBuilder &b, Location loc, Value acc, ValueRange coords, Value lanes) const {
  DispatchOp op = dispatch;
  Block &block = op.getBody().front();
  Evaluator evaluator(*kernel, b, cast<VectorType>(acc.getType()).getNumElements());
  evaluator.bind(heavyResult, acc);
  for (auto [i, argument] : llvm::enumerate(block.getArguments()))
    evaluator.bindBuffer(argument, kernel->buffer(i));
  evaluator.setLanes(lanes);
  SmallVector<Coord> at;
  for (Value coord : coords)
    at.push_back(evaluator.index().uniform(coord));
  if (!at.empty())
    at.back() = evaluator.index().consecutive(coords.back());
  return evaluator.evaluate(block.getTerminator()->getOperand(0), at);
}

} // namespace tenon::codegen
