//===- Compile.cpp - tenon compile ----------------------------------------===//
#include "Commands.h"
#include "CompileOptions.h"
#include "CompressOptions.h"
#include "common/Codes.h"
#include "common/Inputs.h"
#include "common/Progress.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Compress/Evaluate.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Pipelines/Targets.h"
#include "tenon/Plan/Container.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "tenon/Transforms/PartitionOptions.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <chrono>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

void CompileArguments::declare(CommandLine &line) {
  line.option("target", "cpu|cuda|vgpu", "what to compile for; default cpu", [this](llvm::StringRef text) {
    options.target = text.str();
    return findTarget(text) ? Status::success()
                            : Status::error("TN9014", "there is no target '" + text.str() + "'", "",
                                            "choose among cpu, cuda and vgpu");
  });
  line.option("arch", "ARCH,...", "code to generate, such as x86-64-v3 or sm_90a; default: the target's usual ones",
              [this](llvm::StringRef text) {
                llvm::SmallVector<llvm::StringRef> parts;
                text.split(parts, ',');
                options.archs.assign(parts.begin(), parts.end());
                return Status::success();
              });
  line.text("device", "NAME|FILE",
            "what to tune for: a100, b200, h100, h200, l4, rtx4090, .. or a description; implies its --arch",
            options.device);
  line.option("precision", "full|tf32|fp16|bf16", "what products compute in, on a GPU; default full",
              [this](llvm::StringRef text) {
                const std::optional<Precision> precision = parsePrecision(text);
                options.precision = precision.value_or(Precision::Full);
                return precision ? Status::success()
                                 : Status::error("TN9014", "there is no precision '" + text.str() + "'", "",
                                                 "choose among full, tf32, fp16 and bf16");
              });
  line.option("tactics", "own|libraries|auto",
              "whose kernels: Tenon's; a call of cuBLASLt or cuDNN wherever one computes the region (cuda); or, the "
              "default, what --timings says is faster",
              [this](llvm::StringRef text) {
                const std::optional<cost::Tactics> tactics = cost::parseTactics(text);
                options.tactics = tactics.value_or(cost::Tactics::Auto);
                return tactics ? Status::success()
                               : Status::error("TN9014", "there are no tactics '" + text.str() + "'", "",
                                               "choose among own, libraries and auto");
              });
  line.option("host-kernels", "allow|refuse",
              "what has no kernel on a GPU runs on the processor, with copies (the default), or is refused",
              [this](llvm::StringRef text) {
                options.usesHost = text != "refuse";
                return text == "allow" || text == "refuse"
                           ? Status::success()
                           : Status::error("TN9014", "there is no choice '" + text.str() + "'", "",
                                           "choose among allow and refuse");
              });
  line.text("devices", "CLUSTER", "split the model over the devices of a cluster: its name, or the file of one",
            options.devices);
  line.text("parallel", "auto|data:N,tensor:N,pipeline:N",
            "with --devices: split samples, the work on each, or the sequence of operations; default auto, the fastest",
            options.parallel);
  line.texts("split", "NODE=STRATEGY",
             "with --devices: how a node is split, as `tenon partition` names it; NODE may hold *", options.pins);
  line.number("jobs", "compile workers; 0 = all cores; does not change the plan", jobs, 0, 1024);
  line.optimization(options.optimization);
  line.real("max-memory", "GB", "memory the compiler may use", maxGigabytes);
}

Status CompileArguments::finish(const ShapeSet &shapes) {
  const Target &target = *findTarget(options.target);
  std::vector<std::string> archs; // best first, each once: the runtime takes the first that the machine supports
  for (llvm::StringRef arch : target.archs)
    if (llvm::is_contained(options.archs, arch))
      archs.push_back(arch.str());
  for (const std::string &arch : options.archs)
    if (!llvm::is_contained(archs, arch))
      return Status::error("TN9003", "--arch: '" + arch + "' is no architecture of target " + options.target, "",
                           "choose among " + llvm::join(target.archs, ", "));
  options.archs = std::move(archs);
  if (options.devices.empty() && (options.parallel != "auto" || !options.pins.empty()))
    return Status::error("TN9003", "--parallel and --split: there are no devices to split over", "",
                         "add --devices=CLUSTER");
  if (auto parallel = parseParallel(options.parallel); !parallel)
    return parallel.takeStatus();
  TENON_RETURN_IF_ERROR(applyDevice(options));
  options.jobs = unsigned(jobs);
  options.threads = unsigned(threads);
  options.maxMemory = uint64_t(maxGigabytes * 1e9);
  for (const auto &[name, shape] : shapes)
    options.shapes[name] = {shape.dims, shape.fixed};
  return Status::success();
}

namespace {
struct CompileSettings : CompileArguments {
  CompressArguments compression;
  std::string model, output, stopAfter;
  std::vector<std::string> shapes;
};
} // namespace

static Status prepare(CompileSettings &settings) {
  if (settings.output.empty() && settings.stopAfter.empty())
    return Status::error("TN9002", "`tenon compile` needs -o MODEL.tenon");
  if (settings.output.empty())
    settings.output = "-";
  if (settings.output == "-" && settings.stopAfter.empty())
    return Status::error("TN9003", "-o: a plan cannot go to stdout", "", "give a file name");
  TENON_RETURN_IF_ERROR(checkOutput(settings.output));
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return sets.takeStatus();
  if (sets->size() > 1)
    return Status::error("TN9003", "--shape is given twice for one input", "", "give one shape for each input");
  settings.options.stopAfter = parsePhase(settings.stopAfter);
  settings.compression.options.precision = settings.options.precision;
  TENON_RETURN_IF_ERROR(settings.compression.finish());
  const compress::Options &wanted = settings.compression.options;
  if (!wanted.any() && (!wanted.calibration.empty() || !wanted.keep.empty()))
    return Status::error("TN9003", "--calibration and --keep: there is nothing to compress", "",
                         "add --quantize, --prune, --low-rank, --merge or --precision, or leave them out");
  return settings.finish(sets->front());
}

/// What runs on the processor beside a GPU: nobody is to find out from a slow run.
static void noteHostKernels(const plan::Plan &plan) {
  for (unsigned i = 0; plan.kernels() && i < plan.kernels()->size(); ++i) {
    const plan::Kernel &kernel = *plan.kernels()->Get(i);
    if (!kernel.host())
      continue;
    llvm::errs() << "note: no kernel of target " << plan.target()->str() << " for";
    llvm::ListSeparator comma;
    for (unsigned k = 0; kernel.nodes() && k < kernel.nodes()->size(); ++k)
      llvm::errs() << comma << (k ? "'" : " node '") << printable(kernel.nodes()->Get(k)->str()) << "'";
    llvm::errs() << ": it runs on the processor, with copies\n";
  }
}

/// What was written, from the file itself: a last check that it can be opened.
static Status describe(const std::string &path, double seconds, json::Object &result) {
  auto container = plan::Container::open(path, {.verifyWeights = false});
  if (!container)
    return container.takeStatus();
  const plan::Plan &plan = (*container)->plan();
  noteHostKernels(plan);
  json::Array archs;
  for (unsigned i = 0; plan.code() && i < plan.code()->size(); ++i)
    archs.push_back(plan.code()->Get(i)->arch()->str());
  result = json::Object{{"output", json::fixUTF8(path)},
                        {"bytes", int64_t((*container)->fileSize())},
                        {"weights_bytes", int64_t((*container)->section(plan::SectionKind::Weights).size())},
                        {"code_bytes", int64_t((*container)->section(plan::SectionKind::Code).size())},
                        {"kernels", int64_t(plan.kernels() ? plan.kernels()->size() : 0)},
                        {"archs", std::move(archs)},
                        {"seconds", seconds}};
  return Status::success();
}

static void print(const json::Object &result) {
  llvm::outs() << llvm::formatv("{0}: {1}, {2} kernels, {3} of weights, {4} of code, {5:F2} s\n",
                                *result.getString("output"), formatBytes(uint64_t(*result.getInteger("bytes"))),
                                *result.getInteger("kernels"),
                                formatBytes(uint64_t(*result.getInteger("weights_bytes"))),
                                formatBytes(uint64_t(*result.getInteger("code_bytes"))), *result.getNumber("seconds"));
}

/// How the model was split: `tenon run --ranks` has to know. Of a choice of ours people are told.
static void describeSplit(const CompileOptions &options, const PartitionAnswer &answer, bool tells,
                          json::Object &result) {
  result["ranks"] = answer.parallel.devices();
  result["parallel"] = answer.parallel.str();
  result["predicted_seconds"] = answer.seconds;
  if (!tells || options.parallel != "auto")
    return;
  if (answer.parallel.devices() == 1)
    llvm::errs() << "note: not split: one device is fastest; --parallel forces a form\n";
  else
    llvm::errs() << "note: split as " << answer.parallel.str() << " over " << answer.parallel.devices() << " ranks\n";
}

namespace {
/// The compression of a compilation: what it did, and what it started from.
struct Compression {
  const CompressArguments &arguments;
  const CompileOptions &options;
  compress::Result result = {};
  mlir::OwningOpRef<mlir::ModuleOp> original = {};
  std::unique_ptr<data::Dataset> dataset = {};

  mlir::LogicalResult run(mlir::ModuleOp module);
  /// Runs the plan beside that of the original, where there are data.
  Status measure(const std::string &plan, const CompileOptions &options, DiagnosticCollector &diagnostics,
                 json::Object &out) const;
};
} // namespace

mlir::LogicalResult Compression::run(mlir::ModuleOp module) {
  auto opened = arguments.openCalibration(module);
  if (!opened)
    return compress::emitStatus(mlir::UnknownLoc::get(module.getContext()), opened.status());
  dataset = std::move(*opened);
  original = module.clone();
  auto done = compress::compressModule(module, arguments.options, {dataset.get(), nullptr, &options});
  if (succeeded(done))
    result = std::move(*done);
  return done;
}

Status Compression::measure(const std::string &plan, const CompileOptions &options, DiagnosticCollector &diagnostics,
                            json::Object &out) const {
  json::Array layers;
  for (const compress::LayerResult &layer : result.layers)
    layers.push_back(toJson(layer));
  out["layers"] = std::move(layers);
  for (const std::string &note : result.notes)
    llvm::errs() << "note: " << printable(note) << '\n';
  if (!dataset || options.target != "cpu")
    return Status::success();
  auto before = compress::Trial::create(*original, options);
  if (failed(before)) {
    const ErrorInfo error = diagnostics.errorsOfFailure().front();
    return Status::error(error.code, error.message, error.node, error.remedy);
  }
  auto after = compress::Trial::open(plan, options);
  if (!after)
    return after.takeStatus();
  auto comparison = compress::compare(*before, *after, *dataset, compress::chooseMetric(*original));
  if (!comparison)
    return comparison.takeStatus();
  out["seconds_before"] = comparison->secondsBefore;
  out["seconds_after"] = comparison->secondsAfter;
  out["loss_percent"] = std::isfinite(comparison->loss()) ? json::Value(comparison->loss()) : json::Value(nullptr);
  llvm::errs() << llvm::formatv("note: {0:F2} % lost ({1}), {2:F3} ms -> {3:F3} ms a run, plan {4} -> {5}\n",
                                comparison->loss(), comparison->lossName(), comparison->secondsBefore * 1e3,
                                comparison->secondsAfter * 1e3, formatBytes(uint64_t(comparison->planBytesBefore)),
                                formatBytes(uint64_t(comparison->planBytesAfter)));
  for (const std::string &warning : comparison->warnings())
    llvm::errs() << "warning: " << warning << '\n';
  return Status::success();
}

static int compile(CompileSettings &settings, const Report &report) {
  const auto start = std::chrono::steady_clock::now();
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  mlir::MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  DiagnosticCollector diagnostics(context);
  auto compiled = mlir::failure();
  std::optional<PartitionAnswer> split;
  settings.options.partitioned = [&](const PartitionAnswer &answer) { split = answer; };
  Compression compression{settings.compression, settings.options};
  // 16 bits need no help of data, unless they are there.
  const compress::Options &wanted = settings.compression.options;
  const bool compresses = wanted.hasMethod() || (wanted.any() && !wanted.calibration.empty());
  if (compresses)
    settings.options.compress = [&](mlir::ModuleOp module) { return compression.run(module); };
  {
    const Progress progress;
    settings.options.progress = std::cref(progress);
    compiled = compileModel(settings.model, settings.output, settings.options, context);
  }
  if (failed(compiled))
    return report.fail(diagnostics.errorsOfFailure());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  json::Object result{{"output", json::fixUTF8(settings.output)}, {"seconds", seconds.count()}};
  if (!settings.options.stopAfter) {
    if (Status read = describe(settings.output, seconds.count(), result); !read.ok())
      return report.fail(read);
    if (!report.json())
      print(result);
    if (Status measured = compresses ? compression.measure(settings.output, settings.options, diagnostics, result)
                                     : Status::success();
        !measured.ok())
      return report.fail(measured);
  }
  if (split)
    describeSplit(settings.options, *split, !report.json(), result);
  return settings.output == "-" ? int(ExitOk) : report.finish(std::move(result));
}

int tools::runCompile(Arguments arguments) {
  CompileSettings settings;
  Report report;
  CommandLine line("compile", "MODEL.onnx", "Compiles a model into one file that `tenon run` runs.");
  line.text("o", "MODEL.tenon", "the file to write", settings.output);
  settings.declare(line);
  settings.compression.declare(line);
  line.texts("shape", "NAME=1x3x224x224[!]",
             "the size to optimise for; the plan serves every size, or with ! only this", settings.shapes);
  line.number("threads", "the plan's thread count; 0 = all cores", settings.threads, 0, 4096);
  line.choice("stop-after", llvm::SmallVector<llvm::StringRef>(phaseNames.begin(), phaseNames.end()),
              "end after this phase and write the IR to -o, or to stdout", settings.stopAfter);
  line.text("timings", "FILE", "choose tactics by what `tenon tune` measured", settings.options.timings);
  line.flag("keep-source", "keep the text of the kernels in the plan, for `tenon inspect --kernels`",
            settings.options.keepSource);
  line.text("dump-phases", "DIR", "write the IR after each phase into this folder", settings.options.dumpPhases);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.model = line.operand();
  if (Status ready = prepare(settings); !ready.ok())
    return report.fail(ready);
  return supervise({.maxMemory = settings.options.maxMemory}, report,
                   [&](const std::string &) { return compile(settings, report); });
}
