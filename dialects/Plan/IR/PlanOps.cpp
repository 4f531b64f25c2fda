//===- PlanOps.cpp - Ops of the plan dialect ------------------------------===//
#include "Plan/IR/PlanOps.h"

#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace tenon::plan_ir;

#define GET_OP_CLASSES
#include "Plan/IR/PlanOps.cpp.inc"

LogicalResult LaunchOp::verify() {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<KernelOp>((*this)->getParentOp()->getParentOp(), getKernelAttr());
  // C1
  if (!kernel)
    return emitOpError() << "kernel " << getKernel() << " is not defined";
  if (kernel.getBuffers() != getBuffers().size())
    return emitOpError() << "kernel " << getKernel() << " takes " << kernel.getBuffers() << " buffers, got "
                         << getBuffers().size();
  if (kernel.getParams() != getParams().size())
    return emitOpError() << "kernel " << getKernel() << " takes " << kernel.getParams() << " parameters, got "
                         << getParams().size();
  if (size_t maps = getMaps() ? getMaps()->size() : 0; kernel.getMaps() != maps)
    return emitOpError() << "kernel " << getKernel() << " takes " << kernel.getMaps() << " tensor maps, got " << maps;
  return success();
}
