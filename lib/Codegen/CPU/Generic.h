//===- Generic.h - Kernels of regions without a heavy op ------------------===//
//
// From a graph.dispatch region of elementwise ops, reductions, normalisations, data movement, pooling and resampling to
// loops on KernelBuilder; and the epilogue of heavy kernels, which is the same evaluation on an accumulated vector.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_GENERIC_H
#define TENON_LIB_CODEGEN_CPU_GENERIC_H

#include "Graph/IR/GraphOps.h"
#include "tenon/Codegen/CPU/KernelBuilder.h"

namespace tenon::codegen {

/// Emits the kernel of `dispatch` into `kernels`. Fails with a diagnostic (TN5001) where isSupportedGeneric is false.
mlir::FailureOr<KernelInfo> emitGenericKernel(graph::DispatchOp dispatch, llvm::StringRef name, const CpuTarget &target,
                                              mlir::ModuleOp kernels);

/// True if emitGenericKernel handles the region.
bool isSupportedGeneric(graph::DispatchOp dispatch);

/// The elementwise ops after a heavy op, on vectors of its accumulators. The ops before it are not looked at.
class Epilogue {
public:
  /// The epilogue from `heavyResult` (a value of the region) to the region's single result, which has the same extents;
  /// other operands are the kernel's buffers. Fails, without a diagnostic, where the ops between are not elementwise.
  static mlir::FailureOr<Epilogue> create(graph::DispatchOp dispatch, mlir::Value heavyResult, KernelBuilder &kernel);

  /// True if `create` would succeed.
  static bool isSupported(graph::DispatchOp dispatch, mlir::Value heavyResult);

  /// See EpilogueFn. Returns a vector of the region's result type.
  mlir::Value apply(mlir::OpBuilder &b, mlir::Location loc, mlir::Value acc, mlir::ValueRange coords,
                    mlir::Value lanes) const;

private:
  Epilogue(graph::DispatchOp dispatch, mlir::Value heavyResult, KernelBuilder &kernel)
      : dispatch(dispatch), heavyResult(heavyResult), kernel(&kernel) {}

  graph::DispatchOp dispatch;
  mlir::Value heavyResult;
  KernelBuilder *kernel;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_GENERIC_H
