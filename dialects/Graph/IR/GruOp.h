//===- GruOp.h - Gated recurrent units --------------------------------------===//
#ifndef GRAPH_IR_GRUOP_H
#define GRAPH_IR_GRUOP_H

#include "Graph/IR/GraphOps.h"

#define GET_OP_CLASSES
#include "Graph/IR/GruOp.h.inc"

#endif // GRAPH_IR_GRUOP_H
