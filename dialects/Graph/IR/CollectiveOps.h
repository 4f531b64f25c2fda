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

namespace tenon::graph {

/// Whether ranks meet in `op`: it stays where it is, apart from all regions.
inline bool isCollective(mlir::Operation *op) {
  return llvm::isa_and_nonnull<AllReduceOp, AllGatherOp, ReduceScatterOp, AllToAllOp, SendOp, ReceiveOp>(op);
}

} // namespace tenon::graph

#endif // GRAPH_IR_COLLECTIVEOPS_H
