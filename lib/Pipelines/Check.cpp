//===- Check.cpp - What of a model is not supported, all at once ----------===//
#include "tenon/Pipelines/Check.h"

#include "Graph/IR/Placement.h"
#include "Plan/IR/PlanOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Codegen/Common/Region.h"
#include "tenon/Importer/Importer.h"
#include "tenon/Pipelines/Pipelines.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Pipelines/Targets.h"

using namespace mlir;
using namespace tenon;

/// Counts the region; emits an error if it has no kernel.
static LogicalResult checkRegion(graph::DispatchOp dispatch, bool isGpu, CheckResult &result) {
  const bool onHost = dispatch->hasAttr(graph::hostAttr);
  ++result.regions;
  result.onHost += onHost;
  if (isGpu && !onHost ? codegen::cuda::isSupportedDispatch(dispatch) : codegen::isSupportedDispatch(dispatch))
    return success();
  return codegen::emitNoKernel(dispatch, "kernel", "replace the node by others, or report it");
}

FailureOr<CheckResult> tenon::checkModel(StringRef path, const CompileOptions &options, MLIRContext &context) {
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  const Target &target = *findTarget(options.target);
  ImportOptions import;
  import.keepsGoing = true;
  // Narrow weights are made of wide ones by a pass that reads them.
  const bool readsWeights = options.precision == Precision::Fp16 || options.precision == Precision::Bf16;
  for (const auto &[name, shape] : options.shapes)
    if (shape.fixed)
      import.fixedShapes[name] = SmallVector<int64_t>(shape.dims.begin(), shape.dims.end());
  OwningOpRef<ModuleOp> module = importOnnx(path, context, import);
  if (!module)
    return failure();
  PassManager manager(&context, ModuleOp::getOperationName());
  for (Phase phase : {Phase::Simplify, Phase::Compress, Phase::Partition, Phase::Dispatch})
    buildPhase(manager, phase, {options.optimization, target.isGpu, options.precision, options.usesHost, readsWeights});
  if (failed(runSerially(manager, *module)))
    return failure();
  CheckResult result;
  bool isSupported = true;
  module->walk(
      [&](graph::DispatchOp dispatch) { isSupported &= succeeded(checkRegion(dispatch, target.isGpu, result)); });
  if (!isSupported)
    return failure();
  module->walk([&](plan_ir::HostOp) { ++result.hostSteps; });
  return result;
}
