//===- Requirements.h - What must hold at run time -------------------------===//
//
// Symbolic extents of the operands of one op may be different expressions that are equal in every valid run. The types
// do not say so; the plan checks it before a kernel reads beyond an operand.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_REQUIREMENTS_H
#define TENON_IMPORTER_REQUIREMENTS_H

#include "Graph/IR/GraphOps.h"
#include "llvm/ADT/MapVector.h"

namespace tenon::importer {

class Requirements {
public:
  /// Requires that the extents be equal in every run; `loc` names the node that needs it, `what` says what it needs.
  void requireEqual(graph::DimAttr a, graph::DimAttr b, mlir::Location loc, llvm::StringRef what = "equal extents");
  /// Collects what `op` relies on: joined and contracted extents agree, element counts of a reshape agree, and what is
  /// not 1 when the model is imported is not broadcast.
  void collect(mlir::Operation *op);
  /// [[#graph.shape<[a, b]>, "message"], ..] for the function's attribute `graph.equal`; null if nothing is required.
  mlir::ArrayAttr toAttribute(mlir::MLIRContext *context) const;

private:
  /// Takes the two as they are.
  void insert(graph::DimAttr a, graph::DimAttr b, mlir::Location loc, llvm::StringRef what);
  void collectConcat(graph::ConcatOp op);
  void collectExpand(graph::ExpandOp op);
  void collectMapped(graph::IterationSpaceOpInterface op);

  llvm::MapVector<std::pair<graph::DimAttr, graph::DimAttr>, std::pair<mlir::Location, std::string>> equal;
};

} // namespace tenon::importer

#endif // TENON_IMPORTER_REQUIREMENTS_H
