//===- Codegen.cpp - Choice of the strategy of a dispatch region ----------===//
#include "tenon/Codegen/CPU/Codegen.h"

#include "Generic.h"
#include "Graph/IR/GruOp.h"
#include "HeavyRegion.h"
#include "LoadDialects.h"
#include "SingleOp.h"
#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

FailureOr<KernelInfo> emitHeavyKernel(const HeavyRegion &region, StringRef name, const CpuTarget &target,
                                      ModuleOp kernels) {
  SmallVector<Type> elementTypes = region.bufferTypes(), memoryTypes;
  for (Type type : elementTypes)
    memoryTypes.push_back(registerType(type));
  KernelBuilder k(kernels, name, memoryTypes);
  FailureOr<Epilogue> epilogue = Epilogue::create(region.dispatch, region.heavy->getResult(0), k);
  if (failed(epilogue))
    return failure();
  auto apply = [&](OpBuilder &b, Location loc, Value acc, ValueRange coords, Value lanes) {
    return epilogue->apply(b, loc, acc, coords, lanes);
  };
  if (region.isProduct())
    emitMatMul(region, k, target, apply);
  else
    emitConv(region, k, target, apply);
  KernelInfo info = k.finish();
  info.bufferTypes = elementTypes;
  return info;
}

/// The format of `argument` in a region of one op.
StringRef getSingleOpFormat(const SingleOpRegion &region, Value argument) {
  const bool isRecurrence = isa<graph::LstmOp, graph::GruOp>(region.op);
  return isRecurrence && region.op->getOperand(1) == argument && argument.hasOneUse() ? "lstm" : "";
}

} // namespace

FailureOr<KernelInfo> emitKernel(graph::DispatchOp dispatch, StringRef name, const CpuTarget &target,
                                 ModuleOp kernels) {
  loadDialects(*kernels.getContext());
  if (std::optional<HeavyRegion> region = HeavyRegion::match(dispatch))
    return emitHeavyKernel(*region, name, target, kernels);
  if (std::optional<SingleOpRegion> region = SingleOpRegion::match(dispatch)) {
    return emitSingleOp(*region, name, target, kernels);
  }
  return emitGenericKernel(dispatch, name, target, kernels);
}

StringRef getOperandFormat(graph::DispatchOp dispatch, unsigned i) {
  Value argument = dispatch.getBody().getArgument(i);
  if (std::optional<SingleOpRegion> single = SingleOpRegion::match(dispatch))
    return getSingleOpFormat(*single, argument);
  std::optional<HeavyRegion> region = HeavyRegion::match(dispatch);
  if (!region || !argument.hasOneUse())
    return "";
  OpOperand &use = *argument.getUses().begin();
  if (region->encoded && use.getOwner() == region->encoded->decoder)
    return region->encoded->formatOf(use.getOperandNumber());
  if (use.getOwner() != region->heavy || region->heavy->getOperand(1) != argument)
    return "";
  RankedTensorType type = region->operandType(1);
  if (!type.hasStaticShape() || type.getNumElements() == 0)
    return "";
  if (region->isProduct() && type.getRank() != 2)
    return "";
  if (region->isProduct() && region->isInteger())
    return getIntegerFormat(region->heavy, region->isTransposed() ? "nk4" : "kn4");
  if (region->isProduct())
    return region->isTransposed() ? "nk" : "kn";
  return getConvWeightFormat(region->heavy);
}

bool isSupportedDispatch(graph::DispatchOp dispatch) {
  return HeavyRegion::match(dispatch).has_value() || SingleOpRegion::match(dispatch).has_value() ||
         isSupportedGeneric(dispatch);
}

} // namespace tenon::codegen
