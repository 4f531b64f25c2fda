//===- Extents.h - Symbolic extents as index values -----------------------===//
#ifndef TENON_LIB_CONVERSION_GRAPHTOLINALG_EXTENTS_H
#define TENON_LIB_CONVERSION_GRAPHTOLINALG_EXTENTS_H

#include "Graph/IR/GraphOps.h"

namespace tenon {

/// Emits `extent` as an index value: the dimension of an operand of `op` or of an argument of its block or function
/// that has this extent, or arithmetic on such dimensions. Null if a symbol is no argument's dimension.
mlir::Value materializeExtent(mlir::OpBuilder &b, mlir::Operation *op, graph::DimAttr extent);

/// An uninitialised tensor of `type`; null as above.
mlir::Value createEmpty(mlir::OpBuilder &b, mlir::Operation *op, mlir::RankedTensorType type);

} // namespace tenon

#endif // TENON_LIB_CONVERSION_GRAPHTOLINALG_EXTENTS_H
