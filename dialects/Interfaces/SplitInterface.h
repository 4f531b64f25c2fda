//===- SplitInterface.h - How an op can be split over ranks -----------------===//
#ifndef INTERFACES_SPLITINTERFACE_H
#define INTERFACES_SPLITINTERFACE_H

#include "Interfaces/GraphInterfaces.h"

namespace tenon::graph {

/// What becomes of a loop's iterations. The parts of a parallel loop are parts of the results; those of another are
/// results of the whole extent that have to be combined.
enum class LoopKind { Parallel, Sum, Prod, Min, Max };

struct SplitLoop {
  DimAttr extent;
  LoopKind kind = LoopKind::Parallel;
};

/// Dimension by dimension the loop that runs over it, or -1: every part has all of it. Where the dimension's extent is
/// a multiple of the loop's, an iteration stands for that many elements: heads of 64, say.
using LoopsOfDims = llvm::SmallVector<int>;

/// The loops that can be split.
struct SplitRule {
  llvm::SmallVector<SplitLoop> loops;
  llvm::SmallVector<LoopsOfDims> operands; ///< of each operand that is present
  llvm::SmallVector<LoopsOfDims> results;
};

/// Where a part begins in each loop of a rule, and how many iterations it has.
struct LocalPart {
  llvm::ArrayRef<DimAttr> begins, extents;
};

/// The op itself on other operands, with other result types.
llvm::SmallVector<mlir::Value> cloneLocal(mlir::OpBuilder &builder, mlir::Operation *op, mlir::ValueRange operands,
                                          mlir::TypeRange types);

} // namespace tenon::graph

#include "Interfaces/SplitInterface.h.inc"

#endif // INTERFACES_SPLITINTERFACE_H
