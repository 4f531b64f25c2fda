//===- GraphOps.td - All operations of the graph dialect ------------------===//
#ifndef GRAPH_OPS
#define GRAPH_OPS

include "Graph/IR/UnaryOps.td"
include "Graph/IR/BinaryOps.td"
include "Graph/IR/ReductionOps.td"
include "Graph/IR/ContractionOps.td"
include "Graph/IR/WindowOps.td"
include "Graph/IR/NormalizationOps.td"
include "Graph/IR/AttentionOps.td"
include "Graph/IR/RecurrentOps.td"
include "Graph/IR/DataMovementOps.td"
include "Graph/IR/StructureOps.td"

#endif // GRAPH_OPS
