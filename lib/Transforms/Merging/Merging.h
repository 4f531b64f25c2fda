//===- Merging.h - Steps of tenon-merge-linear ----------------------------===//
#ifndef TENON_TRANSFORMS_MERGING_MERGING_H
#define TENON_TRANSFORMS_MERGING_MERGING_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tenon {

/// Constants of equal type and bytes become one. Exact.
void mergeEqualConstants(mlir::func::FuncOp function);

/// Products (or convolutions with equal attributes) of one value with constant weights become one with their weights
/// side by side, and a slice for each. Exact but for kernels that sum in another order at another width.
void mergeParallelProducts(mlir::func::FuncOp function);

} // namespace tenon

#endif // TENON_TRANSFORMS_MERGING_MERGING_H
