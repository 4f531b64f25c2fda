//===- NarrowTypes.h - Numbers of 8, 4 and 2 bits -------------------------===//
//
// A tensor of such a type holds a byte an element, the bits at its low end. Nothing is computed with them: floats are
// read from a table and written by arithmetic on their bits, integers are sign-extended or cut. graph.bitcast is what
// stands between the type and its bytes.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_IR_NARROWTYPES_H
#define GRAPH_IR_NARROWTYPES_H

#include "Graph/IR/Expressions.h"

namespace tenon::graph {

/// True for floats of 8 and 4 bits and integers of 4 and 2 bits.
bool isNarrow(mlir::Type elementType);

/// The values of a narrow tensor: as f32 if they are floats, else as i8 or ui8.
mlir::Value readNarrow(Expressions &c, mlir::Value x);

/// How a number that does not fit becomes a narrow float.
struct NarrowRounding {
  bool saturates = true;       ///< to the largest number; else to infinity or NaN
  mlir::StringRef mode = "up"; ///< of f8E8M0: up, down or nearest
};

/// `x`, of any type that can be computed with, as a tensor of the narrow type `elementType`.
mlir::Value writeNarrow(Expressions &c, mlir::Value x, mlir::Type elementType, NarrowRounding rounding = {});

} // namespace tenon::graph

#endif // GRAPH_IR_NARROWTYPES_H
