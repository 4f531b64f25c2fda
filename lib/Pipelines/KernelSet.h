//===- KernelSet.h - The kernels of one compilation -----------------------===//
#ifndef TENON_LIB_PIPELINES_KERNELSET_H
#define TENON_LIB_PIPELINES_KERNELSET_H

#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Conversion/DispatchToPlan.h"
#include "tenon/Conversion/PlanToContainer.h"
#include "llvm/ADT/StringMap.h"

namespace tenon {

/// Emits dispatch regions for every target at once. Regions that give the same code share one kernel.
class KernelSet {
public:
  KernelSet(mlir::MLIRContext &context, llvm::ArrayRef<codegen::CpuTarget> targets);

  /// The kernel of `dispatch`; emits it if no equal one was emitted before.
  mlir::FailureOr<LoweredDispatch> lower(graph::DispatchOp dispatch);

  /// Compiles all kernels with `jobs` threads: one code object per target, in their order. `progress` is told how much
  /// is done (0 to 1).
  mlir::FailureOr<std::vector<PlanCode>> compile(int jobs, llvm::function_ref<void(double)> progress);

  /// The kernels for the first target, for dumps.
  llvm::ArrayRef<mlir::OwningOpRef<mlir::ModuleOp>> modules() const { return kernels.front(); }

private:
  mlir::FailureOr<codegen::KernelInfo> emit(graph::DispatchOp dispatch, llvm::StringRef name, size_t target,
                                            mlir::OwningOpRef<mlir::ModuleOp> &module);

  mlir::MLIRContext &context;
  llvm::SmallVector<codegen::CpuTarget> targets;
  std::vector<std::vector<mlir::OwningOpRef<mlir::ModuleOp>>> kernels; ///< [target][kernel]
  llvm::StringMap<std::string> names;                                  ///< text of a kernel -> its name
};

} // namespace tenon

#endif // TENON_LIB_PIPELINES_KERNELSET_H
