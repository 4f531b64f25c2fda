//===- Generic.cpp - Kernels of regions without a heavy op ----------------===//
#include "Generic.h"

#include "GenericEmit.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

bool isSupportedGeneric(DispatchOp dispatch) { return GenericRegion::create(dispatch) != nullptr; }

FailureOr<KernelInfo> emitGenericKernel(DispatchOp dispatch, StringRef name, const CpuTarget &, ModuleOp kernels) {
  std::unique_ptr<GenericRegion> region = GenericRegion::create(dispatch);
  if (!region)
    return emitNoKernel(dispatch, "kernel", "replace the node by others, or report it");
  SmallVector<Type> elementTypes, memoryTypes;
  for (Type type : llvm::concat<const Type>(dispatch->getOperandTypes(), dispatch->getResultTypes())) {
    elementTypes.push_back(cast<RankedTensorType>(type).getElementType());
    memoryTypes.push_back(elementTypes.back().isInteger(1) ? elementTypes.back() : registerType(elementTypes.back()));
  }
  KernelBuilder kernel(kernels, name, memoryTypes);
  Evaluator evaluator(kernel, kernel.builder(), vectorWidth);
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
