//===- PlanDialect.cpp - Types and attributes of the plan dialect ---------===//
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
