//===- QuantizationOps.h - Numbers of few bits ----------------------------===//
#ifndef GRAPH_IR_QUANTIZATIONOPS_H
#define GRAPH_IR_QUANTIZATIONOPS_H

#include "Graph/IR/GraphOps.h"

#define GET_OP_CLASSES
#include "Graph/IR/QuantizationOps.h.inc"

#endif // GRAPH_IR_QUANTIZATIONOPS_H
