//===- GraphAttributes.h - Symbolic extents of the graph dialect ----------===//
#ifndef GRAPH_IR_GRAPHATTRIBUTES_H
#define GRAPH_IR_GRAPHATTRIBUTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TensorEncoding.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include <optional>

namespace tenon::graph {

/// The node kinds of a DimAttr. Sum: value + operands. Product: value * operands. The others have two operands.
enum class DimKind { Constant, Symbol, Sum, Product, FloorDiv, Min, Max, Broadcast };

class DimAttr;

} // namespace tenon::graph

#define GET_ATTRDEF_CLASSES
#include "Graph/IR/GraphAttributes.h.inc"

#endif // GRAPH_IR_GRAPHATTRIBUTES_H
