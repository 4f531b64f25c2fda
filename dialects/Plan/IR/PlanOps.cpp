//===- PlanOps.cpp - The plan dialect -------------------------------------===//
#include "Plan/IR/PlanOps.h"

#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::plan_ir;

#include "Plan/IR/PlanDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Plan/IR/PlanTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Plan/IR/PlanAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Plan/IR/PlanAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "Plan/IR/PlanTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Plan/IR/PlanOps.cpp.inc"
      >();
}

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
