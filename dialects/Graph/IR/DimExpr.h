//===- DimExpr.h - Arithmetic on symbolic extents -------------------------===//
//
// Every function returns the normal form: a sum of products over atoms (symbols, floordiv, min, max, broadcast),
// ordered structurally, so that attribute equality decides equality of polynomials. Overflowing coefficients saturate;
// the shape program that evaluates an expression checks its own arithmetic.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_IR_DIMEXPR_H
#define GRAPH_IR_DIMEXPR_H

#include "Graph/IR/GraphAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tenon::graph {

/// Expressions above this complexity (number of nodes) are refused by the importer: TN2101. Axes that only a run knows
/// take hundreds.
constexpr int64_t maxDimComplexity = 2000;
/// How deep the text of an expression may be nested.
constexpr int maxDimDepth = 400;

DimAttr operator+(DimAttr a, DimAttr b);
DimAttr operator-(DimAttr a, DimAttr b);
DimAttr operator*(DimAttr a, DimAttr b);
DimAttr operator+(DimAttr a, int64_t b);
DimAttr operator-(DimAttr a, int64_t b);
DimAttr operator*(DimAttr a, int64_t b);
/// Division rounding to minus infinity. Dividing by zero is left to run time.
DimAttr floorDiv(DimAttr a, DimAttr b);
DimAttr floorDiv(DimAttr a, int64_t b);
/// Division rounding to plus infinity.
DimAttr ceilDiv(DimAttr a, DimAttr b);
DimAttr ceilDiv(DimAttr a, int64_t b);
DimAttr min(DimAttr a, DimAttr b);
DimAttr max(DimAttr a, DimAttr b);
/// ONNX's broadcast of two extents; null if they are constants that do not match.
DimAttr broadcast(DimAttr a, DimAttr b);

/// The extents of `type`, from its encoding or its static shape. The type must not have dynamic dimensions without one.
mlir::SmallVector<DimAttr> getDims(mlir::RankedTensorType type);
DimAttr getDim(mlir::RankedTensorType type, unsigned axis);
/// The tensor type with these extents: static where they are constants, with an encoding if one of them is not.
mlir::RankedTensorType getTensorType(mlir::ArrayRef<DimAttr> dims, mlir::Type elementType);
/// The product of the extents; 1 for rank 0.
DimAttr product(mlir::MLIRContext *context, mlir::ArrayRef<DimAttr> dims);

} // namespace tenon::graph

#endif // GRAPH_IR_DIMEXPR_H
