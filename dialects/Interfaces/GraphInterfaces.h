//===- GraphInterfaces.h - What passes may ask an operation ---------------===//
#ifndef INTERFACES_GRAPHINTERFACES_H
#define INTERFACES_GRAPHINTERFACES_H

#include "Graph/IR/GraphAttributes.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace tenon::graph {

/// The loops of an op: their kinds, their extents, and the indexing map of every operand, then of every result.
/// An operand that is absent (optional) has a null map.
struct IterationSpace {
  mlir::SmallVector<mlir::utils::IteratorType> iterators;
  mlir::SmallVector<DimAttr> extents;
  mlir::SmallVector<mlir::AffineMap> maps;
};

} // namespace tenon::graph

#include "Interfaces/GraphInterfaces.h.inc"

#endif // INTERFACES_GRAPHINTERFACES_H
