//===- Placement.h - Which memory a dispatch region works on --------------===//
#ifndef GRAPH_IR_PLACEMENT_H
#define GRAPH_IR_PLACEMENT_H

#include "llvm/ADT/StringRef.h"

namespace tenon::graph {

/// Marks a dispatch region that runs on the processor beside a device: the device has no kernel for it.
constexpr llvm::StringLiteral hostAttr = "graph.host";

} // namespace tenon::graph

#endif // GRAPH_IR_PLACEMENT_H
