//===- Generic.cpp - Kernels of regions without a heavy op ----------------===//
#include "Generic.h"

#include "Evaluator.h"
#include "GenericEmit.h"
#include "tenon/Codegen/CPU/Decompose.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

std::unique_ptr<GenericRegion> GenericRegion::create(DispatchOp dispatch) {
  auto copy = std::make_unique<GenericRegion>();
  IRMapping mapping;
  OperationState state(dispatch.getLoc(), DispatchOp::getOperationName());
  dispatch.getBody().cloneInto(state.addRegion(), mapping);
  copy->owner = Operation::create(state);
  Block &block = copy->block();
  if (copy->results().empty())
    return nullptr;
  decomposeNormalizations(block);
  for (Operation &op : block.without_terminator())
    if (!isEvaluable(&op) && !isSupportedReduction(&op))
      return nullptr;
  if (!normalizeRegion(*copy))
    return nullptr;
  return copy;
}

bool isSupportedGeneric(DispatchOp dispatch) { return GenericRegion::create(dispatch) != nullptr; }

FailureOr<KernelInfo> emitGenericKernel(DispatchOp dispatch, StringRef name, const CpuTarget &, ModuleOp kernels) {
  std::unique_ptr<GenericRegion> region = GenericRegion::create(dispatch);
  if (!region) {
    InFlightDiagnostic error = dispatch.emitError("TN5001: no kernel for a region of");
    for (Operation &op : dispatch.getBody().front().without_terminator())
      error << " " << op.getName();
    return error << "; file an issue with this model";
  }
  SmallVector<Type> elementTypes, memoryTypes;
  for (Type type : llvm::concat<const Type>(dispatch->getOperandTypes(), dispatch->getResultTypes())) {
    elementTypes.push_back(cast<RankedTensorType>(type).getElementType());
    memoryTypes.push_back(elementTypes.back().isInteger(1) ? elementTypes.back() : registerType(elementTypes.back()));
  }
  KernelBuilder kernel(kernels, name, memoryTypes);
  Evaluator evaluator(kernel, kernel.builder());
  for (auto [i, argument] : llvm::enumerate(region->block().getArguments()))
    evaluator.bindBuffer(argument, kernel.buffer(i));
  if (region->reduced.empty())
    emitElementwise(*region, kernel, evaluator);
  else
    emitReductions(*region, kernel, evaluator);
  KernelInfo info = kernel.finish();
  info.bufferTypes = elementTypes;
  return info;
}

} // namespace tenon::codegen
