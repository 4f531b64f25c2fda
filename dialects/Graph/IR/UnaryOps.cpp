//===- UnaryOps.cpp - Registration ---------------------------------------===//
//
// Apart from UnaryDefinitions.cpp: together they take too long to compile.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/OpSupport.h"

void tenon::graph::GraphDialect::registerUnaryOps() {
  addOperations<
#define GET_OP_LIST
#include "Graph/IR/UnaryOps.cpp.inc"
      >();
}
