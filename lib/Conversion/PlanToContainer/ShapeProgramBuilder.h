//===- ShapeProgramBuilder.h - From extent expressions to shape programs --===//
#ifndef TENON_CONVERSION_SHAPEPROGRAMBUILDER_H
#define TENON_CONVERSION_SHAPEPROGRAMBUILDER_H

#include "Graph/IR/DimExpr.h"
#include "tenon/Plan/plan_generated.h"

#include <unordered_map>

namespace tenon {

/// Builds the straight-line program that computes extents; equal expressions are computed once.
class ShapeProgramBuilder {
public:
  /// Dimension `axis` of input `input` is the value of `symbol`. The first binding counts. "input:I:A" always works.
  void bind(mlir::StringAttr symbol, uint32_t input, uint32_t axis);

  /// Element `element` of input `input` is the value of `symbol`, whatever else may bind it.
  void bindElement(mlir::StringAttr symbol, uint32_t input, uint32_t element);

  /// The shape value of `e`, or an equality of two. Every symbol must be bound.
  uint32_t value(graph::DimAttr e);
  uint32_t equal(graph::DimAttr a, graph::DimAttr b);

  std::vector<plan::ShapeInstr> takeInstructions() { return std::move(instructions); }

private:
  uint32_t add(plan::ShapeOp op, uint32_t a = 0, uint32_t b = 0, int64_t immediate = 0);
  uint32_t constant(int64_t value);
  uint32_t symbol(mlir::StringAttr name);
  uint32_t fold(plan::ShapeOp op, graph::DimAttr e, int64_t neutral);

  std::vector<plan::ShapeInstr> instructions;
  llvm::DenseMap<graph::DimAttr, uint32_t> values;
  std::unordered_map<int64_t, uint32_t> constants; // of any value: DenseMap keeps two for itself
  llvm::DenseMap<mlir::StringAttr, std::pair<uint32_t, uint32_t>> bindings, elements;
};

} // namespace tenon

#endif // TENON_CONVERSION_SHAPEPROGRAMBUILDER_H
