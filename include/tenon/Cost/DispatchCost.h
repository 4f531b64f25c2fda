//===- DispatchCost.h - What a dispatch region costs ----------------------===//
//
// Operations and bytes of a region as expressions over the symbols of the graph, from the loops that its ops state
// (IterationSpaceOpInterface); and the sizes at which a compilation evaluates them.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COST_DISPATCHCOST_H
#define TENON_COST_DISPATCHCOST_H

#include "Graph/IR/GraphOps.h"
#include "tenon/Cost/Family.h"
#include "llvm/ADT/StringMap.h"

namespace tenon::cost {

/// Floating-point operations of the region; ops without loops of their own (copies) have none.
graph::DimAttr countFlops(graph::DispatchOp dispatch);

/// Bytes of `type`.
graph::DimAttr countBytes(mlir::RankedTensorType type);

/// Bytes that the region moves at least: every operand read once, every result written once. Of an operand of which
/// only slices are taken (gather, slice), as many as they hold.
graph::DimAttr countTraffic(graph::DispatchOp dispatch);

/// For what a compilation tunes: a device, and an extent for every symbol.
struct Context {
  Device device;
  llvm::StringMap<int64_t> symbols;

  /// `e` at these extents; a symbol without one is 16, what cannot be computed is 1. Never negative.
  double evaluate(graph::DimAttr e) const;
};

} // namespace tenon::cost

#endif // TENON_COST_DISPATCHCOST_H
