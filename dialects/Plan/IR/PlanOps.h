//===- PlanOps.h - The plan dialect ---------------------------------------===//
#ifndef PLAN_IR_PLANOPS_H
#define PLAN_IR_PLANOPS_H

#include "Graph/IR/GraphAttributes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tenon::plan {
enum class ElementType : uint8_t;
enum class CollectiveKind : uint8_t;
} // namespace tenon::plan

#include "Plan/IR/PlanDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Plan/IR/PlanTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Plan/IR/PlanAttributes.h.inc"

#define GET_OP_CLASSES
#include "Plan/IR/PlanOps.h.inc"

namespace tenon::plan_ir {
/// The plan's number of an element type.
plan::ElementType getElementType(mlir::Type type);

/// The kind that a CollectiveOp names, which is also the mnemonic of its op in the graph; nothing for other names.
std::optional<plan::CollectiveKind> parseCollective(llvm::StringRef name);
} // namespace tenon::plan_ir

#endif // PLAN_IR_PLANOPS_H
