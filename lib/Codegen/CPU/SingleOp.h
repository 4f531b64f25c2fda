//===- SingleOp.h - Kernels of one op that fuses with nothing -------------===//
//
// Ops that carry a state along a dimension, or more than one matrix product: each has a strategy of its own, which
// reads the region's operands and writes its results, whole.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_SINGLEOP_H
#define TENON_LIB_CODEGEN_CPU_SINGLEOP_H

#include "Graph/IR/GraphOps.h"
#include "tenon/Codegen/CPU/KernelBuilder.h"

namespace tenon::codegen {

/// A dispatch region of one op with a strategy, all of whose operands are the region's and whose results it returns.
struct SingleOpRegion {
  mutable graph::DispatchOp dispatch; ///< accessors of ops are not const
  mlir::Operation *op = nullptr;

  /// The region if it has this form and element types with a strategy; nothing otherwise.
  static std::optional<SingleOpRegion> match(graph::DispatchOp dispatch);

  /// Element types of the buffers: the region's operands, then its results.
  llvm::SmallVector<mlir::Type> bufferTypes() const;
  /// The buffer of a value: an operand of the op, or result i of the region.
  mlir::Value buffer(KernelBuilder &k, mlir::Value operand) const;
  mlir::Value resultBuffer(KernelBuilder &k, unsigned i = 0) const;
  /// The packed format of an operand ("" = none).
  llvm::StringRef formatOf(mlir::Value operand) const;
};

KernelInfo emitSingleOp(const SingleOpRegion &region, llvm::StringRef name, const CpuTarget &target,
                        mlir::ModuleOp kernels);

// The strategies; `k` is fresh.
void emitLstm(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target);
void emitGru(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target);
void emitAttention(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target);
/// Running sums or products.
void emitCumulative(const SingleOpRegion &region, KernelBuilder &k);
void emitScatter(const SingleOpRegion &region, KernelBuilder &k);
/// Calls of functions of the runtime.
void emitTopK(const SingleOpRegion &region, KernelBuilder &k);
void emitDft(const SingleOpRegion &region, KernelBuilder &k);
void emitDeterminant(const SingleOpRegion &region, KernelBuilder &k);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_SINGLEOP_H
