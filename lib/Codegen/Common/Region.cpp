//===- Region.cpp - A dispatch region, rewritten for its kernel -----------===//
#include "tenon/Codegen/Common/Region.h"

#include "tenon/Codegen/Common/Decompose.h"
#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

std::unique_ptr<GenericRegion> GenericRegion::create(DispatchOp dispatch, function_ref<bool(Operation *)> isOther,
                                                     bool widens) {
  auto copy = std::make_unique<GenericRegion>();
  IRMapping mapping;
  OperationState state(dispatch.getLoc(), DispatchOp::getOperationName());
  dispatch.getBody().cloneInto(state.addRegion(), mapping);
  copy->owner = Operation::create(state);
  Block &block = copy->block();
  if (copy->results().empty())
    return nullptr;
  if (widens)
    widenHalf(block);
  decomposeNormalizations(block);
  for (Operation &op : block.without_terminator())
    if (!isEvaluable(&op) && !isSupportedReduction(&op) && !(isOther && isOther(&op)))
      return nullptr;
  if (!normalizeRegion(*copy))
    return nullptr;
  return copy;
}

InFlightDiagnostic emitNoKernel(DispatchOp dispatch, StringRef kind, StringRef remedy) {
  InFlightDiagnostic error = dispatch.emitError("TN5001: no ") << kind << " for a region of";
  for (Operation &op : dispatch.getBody().front().without_terminator())
    error << " " << op.getName();
  error.attachNote() << "remedy: " << remedy;
  return error;
}

Operation *findBehindElementwise(Value value, function_ref<bool(Operation *)> isWanted) {
  auto dimsOf = [](Value v) { return getDims(cast<RankedTensorType>(v.getType())); };
  auto dims = dimsOf(value);
  SmallVector<Value> work{value};
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value v = work.pop_back_val();
    Operation *op = v.getDefiningOp();
    if (!op || dimsOf(v) != dims || !seen.insert(v).second)
      continue;
    if (isWanted(op))
      return op;
    if (isa<ElementwiseOpInterface>(op))
      work.append(op->operand_begin(), op->operand_end());
  }
  return nullptr;
}

std::string makeKernelName(DispatchOp dispatch, size_t number) {
  std::string name = "k" + std::to_string(number);
  int parts = 0;
  for (Operation &op : dispatch.getBody().front().without_terminator())
    if (!isa<ConstantOp>(op) && parts++ < 3)
      name += "_" + op.getName().stripDialect().str();
  return name;
}

} // namespace tenon::codegen
