//===- Activations.h - The activation functions of recurrences ------------===//
#ifndef GRAPH_IR_ACTIVATIONS_H
#define GRAPH_IR_ACTIVATIONS_H

#include "mlir/IR/Builders.h"

namespace tenon::graph {

/// An activation that ONNX names for recurrences, with its parameters.
struct Activation {
  llvm::StringRef name;
  double alpha = 0, beta = 0;

  /// The activation with the parameters ONNX gives it where none are stated (0 where it has none); nothing if `name`,
  /// compared without case, is unknown. The result's name outlives the argument.
  static std::optional<Activation> get(llvm::StringRef name);
  /// The names of all of them.
  static llvm::SmallVector<llvm::StringRef> getNames();

  double evaluate(double x) const;
  /// The code for a float or a vector of floats.
  mlir::Value build(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x) const;
};

} // namespace tenon::graph

#endif // GRAPH_IR_ACTIVATIONS_H
