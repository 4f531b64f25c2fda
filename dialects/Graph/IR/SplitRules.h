//===- SplitRules.h - How graph ops can be split over ranks -----------------===//
#ifndef GRAPH_IR_SPLITRULES_H
#define GRAPH_IR_SPLITRULES_H

#include "Interfaces/SplitInterface.h"

namespace tenon::graph {

/// How `op` can be split: what its SplitOpInterface says, else what follows from its iteration space, else not at all
/// (no loops). A loop stays out where a dimension depends on it otherwise than by being it: windows, strides, axes that
/// are normalised over.
SplitRule getSplitRule(mlir::Operation *op);

/// Attaches SplitOpInterface to the ops that need it; part of loading the dialect.
void registerSplitModels(mlir::MLIRContext &context);

/// The part of `op` on operands that are parts of its own, as `part` of its rule says; see SplitOpInterface.
llvm::SmallVector<mlir::Value> createLocal(mlir::OpBuilder &builder, mlir::Operation *op, mlir::ValueRange operands,
                                           mlir::TypeRange types, const LocalPart &part);

} // namespace tenon::graph

#endif // GRAPH_IR_SPLITRULES_H
