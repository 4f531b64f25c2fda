//===- KernelSet.h - The kernels of one compilation -----------------------===//
#ifndef TENON_LIB_PIPELINES_KERNELSET_H
#define TENON_LIB_PIPELINES_KERNELSET_H

#include "tenon/Conversion/DispatchToPlan.h"
#include "tenon/Conversion/PlanToContainer.h"
#include "tenon/Cost/DispatchCost.h"
#include "tenon/Cost/KernelNotes.h"
#include "tenon/Cost/Tuning.h"
#include "tenon/Pipelines/Compiler.h"
#include "tenon/Pipelines/Targets.h"

namespace tenon {

/// Emits dispatch regions for every architecture at once. Regions that give the same code share one kernel.
class KernelSet {
public:
  virtual ~KernelSet() = default;

  /// The kernel of `dispatch`, or one for each group of architectures; emits it if no equal one was emitted before.
  virtual mlir::FailureOr<LoweredDispatches> lower(graph::DispatchOp dispatch) = 0;

  /// Compiles all kernels: one code object per architecture, in their order. `progress` is told how much is done (0 to
  /// 1). The result does not depend on the number of jobs.
  virtual mlir::FailureOr<std::vector<PlanCode>> compile(int jobs, llvm::function_ref<void(double)> progress) = 0;

  /// What is known of each kernel, after compile(). Appends the kernels' texts to `source` if that is not null.
  virtual std::vector<cost::KernelNote> takeNotes(std::string *source) = 0;
};

/// For `archs` of `target`, best first; null after a diagnostic where one of them is unknown. Names of kernels begin
/// with `prefix`.
std::unique_ptr<KernelSet> createCpuKernelSet(mlir::MLIRContext &context, llvm::ArrayRef<std::string> archs,
                                              const cost::Context &cost, const cost::Tuning &tuning,
                                              llvm::StringRef prefix = "");
std::unique_ptr<KernelSet> createGpuKernelSet(mlir::MLIRContext &context, const Target &target,
                                              llvm::ArrayRef<std::string> archs, const cost::Context &cost,
                                              const cost::Tuning &tuning, Precision precision);

/// A note of kernel `name` whose `text` is appended to `source` if that is not null.
cost::KernelNote makeNote(llvm::StringRef name, const cost::Tactic &tactic, llvm::StringRef text, std::string *source);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_KERNELSET_H
