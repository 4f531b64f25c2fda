//===- Partition.cpp - Models over several devices ------------------------===//
#include "tenon/Pipelines/Partition.h"

#include "Graph/IR/DimExpr.h"
#include "Plan/IR/PlanOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Importer/Importer.h"
#include "tenon/Pipelines/Pipelines.h"
#include "tenon/Pipelines/Registration.h"

using namespace mlir;
using namespace tenon;

/// Extents for which no shape is given: those that the tools draw inputs with.
static int64_t getDefaultExtent(RankedTensorType type, size_t axis, int64_t samples) {
  return axis == 0 ? samples : type.getRank() == 4 ? 64 : 16;
}

llvm::StringMap<int64_t> tenon::bindSymbols(ModuleOp module, const std::map<std::string, ShapeOption> &shapes,
                                            int64_t samples) {
  llvm::StringMap<int64_t> symbols;
  for (auto function : module.getOps<func::FuncOp>())
    for (BlockArgument argument : function.getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "graph.name");
      auto given = shapes.find(name ? name.str() : "");
      for (auto [axis, dim] : llvm::enumerate(type ? graph::getDims(type) : SmallVector<graph::DimAttr>()))
        if (dim.isSymbol())
          symbols.try_emplace(dim.getName(), given != shapes.end() && axis < given->second.dims.size()
                                                 ? given->second.dims[axis]
                                                 : getDefaultExtent(type, axis, samples));
    }
  return symbols;
}

static LogicalResult fail(ModuleOp module, const Status &status) {
  InFlightDiagnostic diagnostic = emitError(UnknownLoc::get(module.getContext()))
                                  << status.error().code << ": " << status.error().message;
  if (!status.error().remedy.empty())
    diagnostic.attachNote() << "remedy: " << status.error().remedy;
  return diagnostic;
}

static cost::Unit unitOf(Precision precision) {
  switch (precision) {
  case Precision::Tf32:
    return cost::Unit::TF32;
  case Precision::Fp16:
    return cost::Unit::F16;
  case Precision::Bf16:
    return cost::Unit::BF16;
  case Precision::Full:
    return cost::Unit::F32;
  }
  return cost::Unit::F32;
}

FailureOr<PartitionAnswer> tenon::partitionModule(ModuleOp module, const CompileOptions &options, bool isTraining) {
  auto cluster = cost::findCluster(options.devices);
  if (!cluster)
    return fail(module, cluster.status());
  auto parallel = parseParallel(options.parallel);
  if (!parallel)
    return fail(module, parallel.status());
  auto functions = module.getOps<func::FuncOp>();
  if (!llvm::hasSingleElement(functions) || !module.getOps<plan_ir::ScriptOp>().empty())
    return fail(module, Status::error("TN4021", "only a run knows which parts of this model it takes", "",
                                      "compile it for one device: leave --devices out"));
  if (!isTraining) { // what becomes one kernel is split as one
    PassManager manager(module.getContext(), ModuleOp::getOperationName());
    buildPhase(manager, Phase::Partition, {});
    if (failed(runSerially(manager, module)))
      return failure();
  }
  PartitionOptions partition;
  partition.cluster = std::move(*cluster);
  partition.parallel = std::move(*parallel);
  for (const std::string &text : options.pins) {
    auto pin = parsePin(text);
    if (!pin)
      return fail(module, pin.status());
    partition.pins.push_back(std::move(*pin));
  }
  int64_t samples = 1; // at least one for each of those that they are split over
  for (const ParallelAxis &axis : partition.parallel.axes)
    samples = axis.name == "data" ? axis.size : samples;
  partition.symbols = bindSymbols(module, options.shapes, samples);
  partition.unit = unitOf(options.precision);
  partition.isTraining = isTraining;
  if (options.progress)
    partition.progress = [&](StringRef, double done) { options.progress(Phase::Partition, 0.1 + 0.1 * done); };
  return choosePartition(*functions.begin(), partition);
}

FailureOr<PartitionAnswer> tenon::partitionModel(StringRef path, const CompileOptions &options, bool isTraining,
                                                 MLIRContext &context) {
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  ImportOptions import;
  for (const auto &[name, shape] : options.shapes)
    if (shape.fixed)
      import.fixedShapes[name] = SmallVector<int64_t>(shape.dims.begin(), shape.dims.end());
  OwningOpRef<ModuleOp> module = importOnnx(path, context, import);
  if (!module)
    return failure();
  PassManager manager(&context, ModuleOp::getOperationName());
  PipelineOptions simplify;
  simplify.readsWeights = false;
  buildPhase(manager, Phase::Simplify, simplify);
  if (failed(runSerially(manager, *module)))
    return failure();
  return partitionModule(*module, options, isTraining);
}
