//===- Placement.h - What passes are told of single ops -------------------===//
#ifndef GRAPH_IR_PLACEMENT_H
#define GRAPH_IR_PLACEMENT_H

#include "llvm/ADT/StringRef.h"

namespace tenon::graph {

/// Marks a dispatch region that runs on the processor beside a device: the device has no kernel for it.
constexpr llvm::StringLiteral hostAttr = "graph.host";

/// Marks an op that computes in f32 whatever the precision of the others: numbers of 16 bits are too few for it.
constexpr llvm::StringLiteral fullPrecisionAttr = "graph.full_precision";

} // namespace tenon::graph

#endif // GRAPH_IR_PLACEMENT_H
