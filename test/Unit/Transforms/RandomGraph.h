//===- RandomGraph.h - Random graphs, meshes and splits ------------------------===//
#ifndef TEST_UNIT_TRANSFORMS_RANDOMGRAPH_H
#define TEST_UNIT_TRANSFORMS_RANDOMGRAPH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Reference/Tensor.h"

#include <random>

namespace tenon::test {

/// A module with the function `main` of a few random ops on one or two inputs whose first dimension is the symbol N.
mlir::OwningOpRef<mlir::ModuleOp> makeRandomGraph(mlir::MLIRContext &context, std::mt19937 &random);

/// Splits every op over a random mesh of at most 8 ranks in random ways that its rule allows, as the attributes that
/// tenon-materialize-partition reads. True if a reduction is split, so that sums are rounded in another order.
bool splitRandomly(mlir::func::FuncOp function, std::mt19937 &random);

/// Inputs for `function` at the extent `n` of the symbol N.
std::vector<reference::HostTensor> makeInputs(mlir::func::FuncOp function, int64_t n, std::mt19937 &random);

} // namespace tenon::test

#endif // TEST_UNIT_TRANSFORMS_RANDOMGRAPH_H
