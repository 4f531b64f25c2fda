//===- GraphOps.h - All operations of the graph dialect -------------------===//
#ifndef GRAPH_IR_GRAPHOPS_H
#define GRAPH_IR_GRAPHOPS_H

#include "Graph/IR/DimExpr.h"
#include "Graph/IR/GraphAttributes.h"
#include "Graph/IR/GraphDialect.h"
#include "Interfaces/GraphInterfaces.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "Graph/IR/GraphOps.h.inc"

#endif // GRAPH_IR_GRAPHOPS_H
