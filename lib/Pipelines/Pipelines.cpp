//===- Pipelines.cpp - The order of all passes ----------------------------===//
#include "tenon/Pipelines/Pipelines.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Transforms/Passes.h"
#include "tenon/Transforms/QuantizationPasses.h"

using namespace mlir;
using namespace tenon;

static FoldConstantsOptions folding(const PipelineOptions &options) {
  FoldConstantsOptions folding;
  folding.readsWeights = options.readsWeights;
  return folding;
}

static void buildSimplify(OpPassManager &function, const PipelineOptions &options) {
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  function.addPass(createFoldConstants(folding(options)));
  function.addPass(createSimplify());
  function.addPass(createFoldConstants(folding(options)));
  function.addPass(createCanonicalizerPass());
}

static void buildCompress(OpPassManager &function, const PipelineOptions &options) {
  if (options.precision != Precision::Fp16 && options.precision != Precision::Bf16)
    return;
  function.addPass(createFuseAttention()); // before casts stand between its parts
  function.addPass(createConvertPrecision({options.precision == Precision::Fp16 ? "f16" : "bf16"}));
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
}

static void buildDispatch(OpPassManager &function, const PipelineOptions &options) {
  function.addPass(createGatherSmallTables());
  if (!options.isGpu)
    function.addPass(createRaiseQuantized());
  const bool isCpu = !options.isGpu;
  function.addPass(createLowerQuantized({/*keepsWeights=*/isCpu, /*keepsProducts=*/isCpu, /*keepsConversions=*/isCpu}));
  // What is spelled out in f16 rounds every step on the CPU: its casts keep it from becoming one op.
  if (!options.isGpu)
    function.addPass(createLegalizeForCpu());
  function.addPass(createFoldConstants(folding(options)));
  function.addPass(createFuseAttention());
  function.addPass(createDecomposeAttention({/*gpu=*/options.isGpu, /*cpu=*/!options.isGpu}));
  if (!options.isGpu)
    function.addPass(createLegalizeForCpu()); // products that attention became
  function.addPass(createAssignLayout());
  function.addPass(createCanonicalizerPass());
  function.addPass(createFoldConstants(folding(options)));
  function.addPass(createCSEPass());
  if (isCpu) { // in the forms that layout gave, after the pass that would make conversions of one value one again
    function.addPass(createLowerQuantized({/*keepsWeights=*/true, /*keepsProducts=*/true, /*keepsConversions=*/false}));
    function.addPass(createFoldConstants(folding(options)));
  }
  FormDispatchesOptions dispatch;
  if (options.optimization == 0)
    dispatch.maxOps = 1;
  dispatch.gpu = options.isGpu;
  dispatch.host = options.usesHost;
  function.addPass(createFormDispatches(dispatch));
}

void tenon::buildMaterialize(OpPassManager &manager) {
  manager.addPass(createMaterializePartition());
  OpPassManager &function = manager.nest<func::FuncOp>();
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
}

void tenon::buildPhase(OpPassManager &manager, Phase phase, const PipelineOptions &options) {
  OpPassManager &function = manager.nest<func::FuncOp>();
  if (phase == Phase::Simplify)
    buildSimplify(function, options);
  else if (phase == Phase::Compress)
    buildCompress(function, options);
  else if (phase == Phase::Partition)
    function.addPass(createFuseAttention());
  else if (phase == Phase::Dispatch)
    buildDispatch(function, options);
}

LogicalResult tenon::runSerially(PassManager &manager, ModuleOp module) {
  MLIRContext &context = *module.getContext();
  const bool hadThreads = context.isMultithreadingEnabled();
  context.disableMultithreading();
  LogicalResult result = manager.run(module);
  context.disableMultithreading(!hadThreads);
  return result;
}

void tenon::registerPipelines() {
  for (Phase phase : {Phase::Simplify, Phase::Dispatch})
    registerPassPipeline(("tenon-phase-" + getName(phase)).str(), ("The passes of the phase " + getName(phase)).str(),
                         [phase](OpPassManager &manager, StringRef, function_ref<LogicalResult(const Twine &)>) {
                           buildPhase(manager, phase, {});
                           return success();
                         },
                         [](function_ref<void(const detail::PassOptions &)>) {});
}
