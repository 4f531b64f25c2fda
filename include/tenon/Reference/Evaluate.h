//===- Evaluate.h - Exact evaluation of graph operations ------------------===//
//
// The reference for every numeric claim: constant folding, `tenon verify`, bisection and the numeric tests compare with
// it. Contractions, reductions and normalisations accumulate in double (integers: in 64 bits) and round once. Extents
// come from the result types and are checked against the operands, so that a wrong type is an error, not a crash.
//
// Errors are diagnostics at the operation:
//   TN2301  the memory budget is exceeded
//   TN2302  an extent cannot be evaluated, or does not agree with the operands
//   TN2303  an operation, element type or attribute that has no reference evaluation
//   TN2304  the inputs of a function do not fit its signature
//
//===----------------------------------------------------------------------===//
#ifndef TENON_REFERENCE_EVALUATE_H
#define TENON_REFERENCE_EVALUATE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Reference/Tensor.h"
#include "llvm/ADT/StringMap.h"

#include <functional>

namespace tenon::reference {

/// Default of the memory budget: 16 GiB.
constexpr uint64_t defaultMemoryBudget = uint64_t(16) << 30;

/// What an evaluation depends on besides its operands.
struct Environment {
  /// Values of the symbols of extents.
  llvm::StringMap<int64_t> symbols;
  /// Charged for results and for temporary arrays; null: unlimited.
  std::shared_ptr<MemoryBudget> budget = std::make_shared<MemoryBudget>(defaultMemoryBudget);
};

/// The extents of `type` under `symbols`; nothing if one is unknown, negative or overflows.
std::optional<llvm::SmallVector<int64_t>> evaluateDims(mlir::RankedTensorType type,
                                                       const llvm::StringMap<int64_t> &symbols);

/// Evaluates one graph operation, graph.dispatch included, and appends its results. `operands` has one tensor for each
/// operand of `op`, in order. Emits a diagnostic and fails as the file comment says.
mlir::LogicalResult evaluate(mlir::Operation *op, llvm::ArrayRef<HostTensor> operands,
                             llvm::SmallVectorImpl<HostTensor> &results, const Environment &env);

struct EvaluateOptions {
  /// Bytes of tensors and temporary arrays at one time; constants that are not copied are not counted.
  uint64_t memoryBudget = defaultMemoryBudget;
  /// Called after each operation, those inside of graph.dispatch included, with its results; failure stops the
  /// evaluation (without a diagnostic of its own).
  std::function<mlir::LogicalResult(mlir::Operation *, llvm::ArrayRef<HostTensor>)> observer;
};

/// Binds the symbols of the argument types to the extents of `inputs`: a symbol is the extent of the first dimension
/// whose expression is that symbol alone; all other extents are then checked. Emits TN2304.
mlir::LogicalResult bindSymbols(mlir::func::FuncOp func, llvm::ArrayRef<HostTensor> inputs,
                                llvm::StringMap<int64_t> &symbols);

/// Evaluates a function of one block of graph operations; appends its results. Frees each value after its last use.
mlir::LogicalResult evaluateFunction(mlir::func::FuncOp func, llvm::ArrayRef<HostTensor> inputs,
                                     llvm::SmallVectorImpl<HostTensor> &outputs, const EvaluateOptions &options = {});

} // namespace tenon::reference

#endif // TENON_REFERENCE_EVALUATE_H
