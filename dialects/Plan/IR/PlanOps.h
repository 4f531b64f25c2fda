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
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Plan/IR/PlanDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Plan/IR/PlanTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Plan/IR/PlanAttributes.h.inc"

#define GET_OP_CLASSES
#include "Plan/IR/PlanOps.h.inc"

#endif // PLAN_IR_PLANOPS_H
