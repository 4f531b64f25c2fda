//===- CollectiveOps.h - What ranks say to each other ------------------------===//
#ifndef GRAPH_IR_COLLECTIVEOPS_H
#define GRAPH_IR_COLLECTIVEOPS_H

#include "Graph/IR/GraphOps.h"

namespace tenon::graph {

/// The number of a function's rank, an integer attribute; on every function of a partitioned module.
constexpr llvm::StringLiteral rankAttr = "graph.rank";

} // namespace tenon::graph

#define GET_OP_CLASSES
#include "Graph/IR/CollectiveOps.h.inc"

#endif // GRAPH_IR_COLLECTIVEOPS_H
