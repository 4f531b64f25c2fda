//===- DataMovementDefinitions.cpp - Generated from the definitions ------===//
//
// Apart from DataMovementOps.cpp: together they take too long to compile.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/OpSupport.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "Graph/IR/DataMovementOps.cpp.inc"
