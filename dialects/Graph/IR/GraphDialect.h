//===- GraphDialect.h - The graph dialect ---------------------------------===//
#ifndef GRAPH_IR_GRAPHDIALECT_H
#define GRAPH_IR_GRAPHDIALECT_H

#include "mlir/IR/Dialect.h"

#include "Graph/IR/GraphDialect.h.inc"

#endif // GRAPH_IR_GRAPHDIALECT_H
