//===- BinaryOps.cpp - Registration --------------------------------------===//
//
// Apart from BinaryDefinitions.cpp: together they take too long to compile.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/OpSupport.h"

void tenon::graph::GraphDialect::registerBinaryOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/BinaryOps.cpp.inc"
      >();
}
