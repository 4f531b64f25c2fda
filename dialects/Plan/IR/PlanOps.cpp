//===- PlanOps.cpp - Ops of the plan dialect ------------------------------===//
#include "Plan/IR/PlanOps.h"

#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Plan/plan_generated.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace tenon;
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

std::optional<plan::CollectiveKind> tenon::plan_ir::parseCollective(StringRef name) {
  return llvm::StringSwitch<std::optional<plan::CollectiveKind>>(name)
      .Case("all_reduce", plan::CollectiveKind::AllReduce)
      .Case("all_gather", plan::CollectiveKind::AllGather)
      .Case("reduce_scatter", plan::CollectiveKind::ReduceScatter)
      .Case("all_to_all", plan::CollectiveKind::AllToAll)
      .Case("send", plan::CollectiveKind::Send)
      .Case("receive", plan::CollectiveKind::Receive)
      .Default(std::nullopt);
}

LogicalResult CollectiveOp::verify() {
  // C1
  const auto kind = parseCollective(getKind());
  if (!kind)
    return emitOpError() << "has unknown kind " << getKind();
  // C2
  const bool needsSource = *kind != plan::CollectiveKind::Receive, needsTarget = *kind != plan::CollectiveKind::Send;
  if (needsSource != bool(getSource()) || needsTarget != bool(getTarget()))
    return emitOpError() << "has a source or target that " << getKind() << " has not, or lacks one";
  // C3
  if ((*kind == plan::CollectiveKind::AllToAll) != bool(getConcatExtents()))
    return emitOpError() << "must have a second axis just where it is an all_to_all";
  return success();
}

plan::ElementType tenon::plan_ir::getElementType(Type type) {
  if (type.isF32())
    return plan::ElementType::F32;
  if (type.isF64())
    return plan::ElementType::F64;
  if (type.isF16())
    return plan::ElementType::F16;
  if (type.isBF16())
    return plan::ElementType::BF16;
  if (isa<Float8E4M3FNType>(type))
    return plan::ElementType::F8E4M3FN;
  if (isa<Float8E4M3FNUZType>(type))
    return plan::ElementType::F8E4M3FNUZ;
  if (isa<Float8E5M2Type>(type))
    return plan::ElementType::F8E5M2;
  if (isa<Float8E5M2FNUZType>(type))
    return plan::ElementType::F8E5M2FNUZ;
  if (isa<Float4E2M1FNType>(type))
    return plan::ElementType::F4E2M1;
  if (isa<Float8E8M0FNUType>(type))
    return plan::ElementType::F8E8M0;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 2:
    return isUnsigned ? plan::ElementType::U2 : plan::ElementType::I2;
  case 4:
    return isUnsigned ? plan::ElementType::U4 : plan::ElementType::I4;
  case 1:
    return plan::ElementType::Bool;
  case 8:
    return isUnsigned ? plan::ElementType::U8 : plan::ElementType::I8;
  case 16:
    return isUnsigned ? plan::ElementType::U16 : plan::ElementType::I16;
  case 32:
    return isUnsigned ? plan::ElementType::U32 : plan::ElementType::I32;
  default:
    return isUnsigned ? plan::ElementType::U64 : plan::ElementType::I64;
  }
}
