//===- SpecialOps.h - Operations that few models and few passes meet ------===//
#ifndef GRAPH_IR_SPECIALOPS_H
#define GRAPH_IR_SPECIALOPS_H

#include "Graph/IR/GraphOps.h"

#define GET_OP_CLASSES
#include "Graph/IR/SpecialOps.h.inc"

#endif // GRAPH_IR_SPECIALOPS_H
