//===- Region.h - A dispatch region, rewritten for its kernel -------------===//
//
// A private copy of a region's body: normalisations and batch normalisation decomposed into elementwise ops and
// reductions, every value of the remaining elementwise part brought to the rank of the iteration domain, dimensions
// that all values walk together merged. Only the copy changes; buffers keep their order and their row-major contents.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_COMMON_REGION_H
#define TENON_CODEGEN_COMMON_REGION_H

#include "Graph/IR/GraphOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>

namespace tenon::codegen {

struct GenericRegion {
  /// A dispatch op without operands that owns the copy.
  mlir::OwningOpRef<mlir::Operation *> owner;
  /// Extents of the loops; of the first result where results differ (then each result has its own loops).
  llvm::SmallVector<graph::DimAttr> domain;
  /// Reduced dimensions of the domain; empty if nothing is reduced.
  llvm::SmallVector<int64_t> reduced;

  /// The copy for `dispatch`; null if the region has no generic kernel. `isOther` admits ops beyond those that the
  /// evaluator and reductions handle. With `widens`, f16 and bf16 are computed in f32 (see widenHalf).
  static std::unique_ptr<GenericRegion> create(graph::DispatchOp dispatch,
                                               llvm::function_ref<bool(mlir::Operation *)> isOther = nullptr,
                                               bool widens = false);

  mlir::Block &block() { return owner->getRegion(0).front(); }
  mlir::MLIRContext *context() { return owner->getContext(); }
  mlir::OperandRange results() { return block().getTerminator()->getOperands(); }
};

/// Makes values of f16 and bf16 in `block` f32, but for its arguments and what its terminator takes: these are
/// converted. Blocks that only move elements stay as they are.
void widenHalf(mlir::Block &block);

/// Brings the region to the form above; false if its reductions do not agree on a domain.
bool normalizeRegion(GenericRegion &region);

/// TN5001: there is no `kind` ("kernel", "CUDA kernel") for the region. Names node and ops.
mlir::InFlightDiagnostic emitNoKernel(graph::DispatchOp dispatch, llvm::StringRef kind, llvm::StringRef remedy);

/// The first op that `isWanted` finds among those of `value` and of what it is an elementwise function of, all at the
/// extents of `value`; null if there is none.
mlir::Operation *findBehindElementwise(mlir::Value value, llvm::function_ref<bool(mlir::Operation *)> isWanted);

/// "k12_conv_add_relu": the number makes it unique, the ops tell a person what it is.
std::string makeKernelName(graph::DispatchOp dispatch, size_t number);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_REGION_H
