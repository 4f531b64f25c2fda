//===- Compiler.cpp - From an ONNX model to a plan ------------------------===//
#include "tenon/Pipelines/Compiler.h"

#include "Graph/IR/Placement.h"
#include "Graph/IR/QuantizationOps.h"
#include "KernelSet.h"
#include "Plan/IR/PlanOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Importer/Importer.h"
#include "tenon/Pipelines/Partition.h"
#include "tenon/Pipelines/Pipelines.h"
#include "tenon/Pipelines/Registration.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/ToolOutputFile.h"
#include <thread>

using namespace mlir;
using namespace tenon;

namespace {

class Compilation {
public:
  Compilation(StringRef output, const CompileOptions &options, MLIRContext &context)
      : output(output), options(options), context(context) {}

  LogicalResult run(StringRef path);
  /// The same from a simplified module.
  LogicalResult run(OwningOpRef<ModuleOp> simplified);
  OwningOpRef<ModuleOp> simplify(StringRef path);

private:
  LogicalResult checkOptions();
  /// Reads the model and ends phase import.
  FailureOr<bool> read(StringRef path);
  LogicalResult compress();
  FailureOr<bool> runPhase(Phase phase);
  LogicalResult runFrom(Phase phase);
  /// Ends a phase: dumps it if asked. True if the compilation stops here.
  FailureOr<bool> finish(Phase phase);
  LogicalResult runPasses(Phase phase);
  LogicalResult makePlan();
  LogicalResult makeCostContext();
  LogicalResult partition();
  cost::KernelNotes makeNotes(ArrayRef<KernelSet *> sets, std::string *source);
  std::unique_ptr<KernelSet> createHostKernels(const cost::Tuning &tuning);
  LogicalResult writeText(StringRef path);
  void report(Phase phase, double done) {
    if (options.progress)
      options.progress(phase, done);
  }
  LogicalResult error(const Twine &message) { return emitError(UnknownLoc::get(&context)) << message; }

  StringRef output;
  const CompileOptions &options;
  MLIRContext &context;
  const Target *target = nullptr;
  std::vector<std::string> archs; ///< of the kernels; until the plan is made, those that were asked for
  cost::Context cost;
  cost::Timings timings;
  OwningOpRef<ModuleOp> module;
};

} // namespace

LogicalResult Compilation::writeText(StringRef path) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_Text);
  if (code)
    return error("TN9010: cannot write '" + path + "': " + code.message());
  module->print(file.os(), OpPrintingFlags().elideLargeElementsAttrs(16).elideLargeResourceString(64));
  file.keep();
  return success();
}

FailureOr<bool> Compilation::finish(Phase phase) {
  if (!options.dumpPhases.empty()) {
    if (std::error_code code = llvm::sys::fs::create_directories(options.dumpPhases))
      return error("TN9010: cannot make '" + options.dumpPhases + "': " + code.message());
    std::string name = llvm::formatv("{0}/{1}-{2}.mlir", options.dumpPhases, static_cast<int>(phase), getName(phase));
    if (failed(writeText(name)))
      return failure();
  }
  if (options.stopAfter != phase)
    return false;
  if (failed(writeText(output)))
    return failure();
  return true;
}

LogicalResult Compilation::runPasses(Phase phase) {
  PassManager manager(&context, ModuleOp::getOperationName());
  buildPhase(manager, phase, {options.optimization, target->isGpu, options.precision, options.usesHost});
  return runSerially(manager, *module);
}

LogicalResult Compilation::makeCostContext() {
  if (!options.device.empty()) {
    auto device = cost::findDevice(options.device);
    if (!device)
      return error(device.status().error().code + ": " + device.status().error().message);
    cost.device = std::move(*device);
  } else if (const cost::Device *device = cost::deviceOfArch(archs.front())) {
    cost.device = *device;
  }
  cost.symbols = bindSymbols(*module, options.shapes);
  return success();
}

LogicalResult Compilation::partition() {
  if (options.devices.empty())
    return success();
  auto answer = partitionModule(*module, options);
  if (failed(answer))
    return failure();
  if (options.partitioned)
    options.partitioned(*answer);
  PassManager manager(&context, ModuleOp::getOperationName());
  buildMaterialize(manager);
  return runSerially(manager, *module);
}

cost::KernelNotes Compilation::makeNotes(ArrayRef<KernelSet *> sets, std::string *source) {
  cost::KernelNotes notes;
  notes.device = cost.device.text;
  for (const auto &symbol : cost.symbols)
    notes.symbols[symbol.getKey().str()] = symbol.getValue();
  for (KernelSet *set : sets)
    llvm::move(set->takeNotes(source), std::back_inserter(notes.kernels));
  return notes;
}

/// For what runs on the processor beside a GPU; null where nothing does.
std::unique_ptr<KernelSet> Compilation::createHostKernels(const cost::Tuning &tuning) {
  bool hasAny = false;
  module->walk([&](graph::DispatchOp op) { hasAny |= op->hasAttr(graph::hostAttr); });
  if (!hasAny)
    return nullptr;
  ArrayRef<StringLiteral> known = findTarget("cpu")->defaultArchs;
  const std::vector<std::string> names(known.begin(), known.end());
  return createCpuKernelSet(context, names, cost, tuning, "host_");
}

static bool hasIntegerProducts(ModuleOp module) {
  auto isProduct = [](Operation *op) {
    return isa<graph::IntegerMatMulOp, graph::IntegerConvOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
  };
  return module.walk(isProduct).wasInterrupted();
}

LogicalResult Compilation::makePlan() {
  if (archs.empty()) {
    ArrayRef<StringLiteral> usual = hasIntegerProducts(*module) ? target->integerArchs : target->defaultArchs;
    archs.assign(usual.begin(), usual.end());
  }
  if (failed(makeCostContext()))
    return failure();
  if (!options.timings.empty()) {
    auto read = cost::Timings::read(options.timings);
    if (!read)
      return error(read.status().error().code + ": " + read.status().error().message);
    timings = std::move(*read);
  }
  const cost::Tuning tuning{options.timings.empty() ? nullptr : &timings, options.forcedTactic,
                            target->hasLibraries ? options.tactics : cost::Tactics::Own};
  std::unique_ptr<KernelSet> kernels =
      target->isGpu ? createGpuKernelSet(context, *target, archs, cost, tuning, options.precision)
                    : createCpuKernelSet(context, archs, cost, tuning);
  if (!kernels)
    return failure();
  std::unique_ptr<KernelSet> hostKernels = createHostKernels(tuning);
  OwningOpRef<ModuleOp> plan = ModuleOp::create(module->getLoc());
  for (auto function : module->getOps<func::FuncOp>())
    if (failed(convertDispatchToPlan(function, *plan, {target->isGpu}, [&](graph::DispatchOp op) {
          return (op->hasAttr(graph::hostAttr) ? hostKernels : kernels)->lower(op);
        })))
      return failure();
  for (auto script : module->getOps<plan_ir::ScriptOp>())
    plan->push_back(script->clone());
  module = std::move(plan);
  if (failed(verify(*module)))
    return failure();
  auto stop = finish(Phase::Codegen);
  if (failed(stop) || *stop)
    return success(succeeded(stop));
  report(Phase::Codegen, 0.3);
  int jobs = options.jobs ? options.jobs : std::thread::hardware_concurrency();
  auto code = kernels->compile(jobs, [&](double done) { report(Phase::Codegen, 0.3 + 0.5 * done); });
  if (failed(code))
    return failure();
  FailureOr<std::vector<PlanCode>> hostCode = std::vector<PlanCode>();
  SmallVector<KernelSet *> sets = {kernels.get()};
  if (hostKernels) {
    hostCode = hostKernels->compile(jobs, [](double) {});
    sets.push_back(hostKernels.get());
  }
  if (failed(hostCode))
    return failure();
  stop = finish(Phase::Plan);
  if (failed(stop) || *stop)
    return success(succeeded(stop));
  report(Phase::Plan, 0.8);
  std::string source;
  std::string notes = cost::toJson(makeNotes(sets, options.keepSource ? &source : nullptr));
  return writePlan(
      *module, output,
      {options.target, options.threads, std::move(*code), std::move(notes), std::move(source), std::move(*hostCode)});
}

Status tenon::applyDevice(CompileOptions &options) {
  const Target *target = findTarget(options.target);
  if (options.device.empty() || !target) // an unknown target is an error of the compilation
    return Status::success();
  auto device = cost::findDevice(options.device);
  if (!device)
    return device.takeStatus();
  if (!llvm::is_contained(target->archs, device->arch))
    return Status::error("TN9003",
                         "--device: " + device->name + " has " + device->arch +
                             ", which is no architecture of target " + options.target,
                         "", device->isGpu ? "add --target=cuda" : "choose another device or target");
  if (options.archs.empty())
    options.archs = {device->arch};
  return Status::success();
}

LogicalResult Compilation::checkOptions() {
  target = findTarget(options.target);
  if (!target)
    return error("TN5011: target '" + options.target + "' is not available; use " +
                 llvm::join(llvm::map_range(getTargets(), [](const Target &t) { return t.name; }), ", "));
  if (options.precision != Precision::Full && !target->isGpu) {
    InFlightDiagnostic refusal = emitError(UnknownLoc::get(&context));
    refusal << "TN5012: target '" << options.target << "' has no kernels of precision " << getName(options.precision);
    refusal.attachNote() << "remedy: leave --precision out, or compile for cuda or vgpu";
    return refusal;
  }
  if (options.tactics == cost::Tactics::Libraries && !target->hasLibraries) {
    InFlightDiagnostic refusal = emitError(UnknownLoc::get(&context));
    refusal << "TN5013: target '" << options.target << "' has no libraries";
    refusal.attachNote() << "remedy: leave --tactics out, or compile for cuda";
    return refusal;
  }
  archs = options.archs;
  return success();
}

FailureOr<bool> Compilation::read(StringRef path) {
  report(Phase::Import, 0);
  ImportOptions import;
  for (const auto &[name, shape] : options.shapes)
    if (shape.fixed)
      import.fixedShapes[name] = SmallVector<int64_t>(shape.dims.begin(), shape.dims.end());
  module = path.ends_with(".mlir") ? parseSourceFile<ModuleOp>(path, &context) : importOnnx(path, context, import);
  if (!module)
    return failure();
  return finish(Phase::Import);
}

LogicalResult Compilation::compress() {
  if (options.compress && failed(options.compress(*module)))
    return failure();
  return runPasses(Phase::Compress);
}

FailureOr<bool> Compilation::runPhase(Phase phase) {
  report(phase, 0.1);
  if (failed(phase == Phase::Partition ? partition() : phase == Phase::Compress ? compress() : runPasses(phase)))
    return failure();
  return finish(phase);
}

LogicalResult Compilation::runFrom(Phase first) {
  for (Phase phase : {Phase::Simplify, Phase::Compress, Phase::Partition, Phase::Dispatch}) {
    if (phase < first)
      continue;
    auto stop = runPhase(phase);
    if (failed(stop) || *stop)
      return success(succeeded(stop));
  }
  if (failed(makePlan()))
    return failure();
  report(Phase::Plan, 1);
  return success();
}

LogicalResult Compilation::run(StringRef path) {
  if (failed(checkOptions()))
    return failure();
  auto stop = read(path);
  if (failed(stop) || *stop)
    return success(succeeded(stop));
  return runFrom(Phase::Simplify);
}

LogicalResult Compilation::run(OwningOpRef<ModuleOp> simplified) {
  module = std::move(simplified);
  return success(succeeded(checkOptions()) && succeeded(runFrom(Phase::Compress)));
}

OwningOpRef<ModuleOp> Compilation::simplify(StringRef path) {
  if (failed(checkOptions()) || failed(read(path)) || failed(runPhase(Phase::Simplify)))
    return {};
  return std::move(module);
}

static void prepare(MLIRContext &context) {
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

OwningOpRef<ModuleOp> tenon::importModel(StringRef path, const CompileOptions &options, MLIRContext &context) {
  prepare(context);
  return Compilation("", options, context).simplify(path);
}

LogicalResult tenon::compileModule(OwningOpRef<ModuleOp> simplified, StringRef output, const CompileOptions &options) {
  MLIRContext &context = *simplified->getContext();
  return Compilation(output, options, context).run(std::move(simplified));
}

LogicalResult tenon::compileModel(StringRef path, StringRef output, const CompileOptions &options,
                                  MLIRContext &context) {
  prepare(context);
  return Compilation(output, options, context).run(path);
}
