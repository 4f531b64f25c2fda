//===- Pipelines.h - The order of all passes ------------------------------===//
#ifndef TENON_PIPELINES_PIPELINES_H
#define TENON_PIPELINES_PIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Pipelines/Phases.h"
#include "tenon/Pipelines/Precision.h"

namespace tenon {

/// What the pass pipelines depend on.
struct PipelineOptions {
  unsigned optimization = 2; ///< 0 to 3; 0 fuses nothing
  bool isGpu = false;        ///< kernels are CUDA C++
  Precision precision = Precision::Full;
  bool usesHost = true; ///< regions without a CUDA kernel may run on the processor
  /// False: operations on large constants are replaced by constants without data, which only types can be asked of.
  bool readsWeights = true;
};

/// Appends the passes of one phase (simplify to dispatch) to a pass manager on modules.
void buildPhase(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options);

/// Appends the passes that make a program for each rank of what `choosePartition` wrote down.
void buildMaterialize(mlir::OpPassManager &manager);

/// Runs `manager` on one function after the other: code generators, which passes ask what they have kernels for, load
/// dialects into the context.
mlir::LogicalResult runSerially(mlir::PassManager &manager, mlir::ModuleOp module);

/// Registers "tenon-phase-<name>" for tenon-opt.
void registerPipelines();

} // namespace tenon

#endif // TENON_PIPELINES_PIPELINES_H
