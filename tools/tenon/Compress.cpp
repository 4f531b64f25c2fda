//===- Compress.cpp - tenon compress ---------------------------------------===//
//
// Import, simplify, compress, and out again as ONNX. What it costs in accuracy and gains in time is measured with both
// models on data, and said.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "CompileOptions.h"
#include "CompressOptions.h"
#include "CompressPage.h"
#include "InspectKernels.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Compress/Calibration.h"
#include "tenon/Compress/Evaluate.h"
#include "tenon/Compress/Search.h"
#include "tenon/Data/Samples.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/Process.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {

struct CompressSettings : CompressArguments {
  CompileOptions compile;
  compress::Limits limits;
  bool searches = false;
  double mostMegabytes = 0, mostMilliseconds = 0;
  std::string objective = "time";
  std::string model, output, evaluation, page;
  std::vector<std::string> shapes;
  int64_t threads = 0;
};

/// One line on a terminal, wiped at the end.
class Line {
public:
  ~Line() {
    if (wanted)
      llvm::errs() << "\r\033[K";
  }
  void operator()(llvm::StringRef what, double share) const {
    if (wanted)
      llvm::errs() << llvm::formatv("\r\033[K{0,3:F0} % {1}", std::min(share, 1.0) * 100, what);
  }

private:
  bool wanted = llvm::sys::Process::StandardErrIsDisplayed();
};

} // namespace

static Status prepareSearch(CompressSettings &settings) {
  if (settings.options.any())
    return Status::error("TN9003", "--search tries the methods itself", "", "leave them out, or leave out --search");
  if (settings.options.calibration.empty())
    return Status::error("TN9003", "--search needs data", "", "add --calibration=FILE.npz, or a folder of them");
  if (settings.mostMegabytes > 0)
    settings.limits.planBytes = int64_t(settings.mostMegabytes * 1e6);
  if (settings.mostMilliseconds > 0)
    settings.limits.seconds = settings.mostMilliseconds * 1e-3;
  settings.limits.prefersSize = settings.objective == "size";
  return Status::success();
}

static Status prepare(CompressSettings &settings) {
  if (settings.output.empty())
    return Status::error("TN9002", "`tenon compress` needs -o SMALL.onnx");
  TENON_RETURN_IF_ERROR(checkOutput(settings.output));
  if (!settings.page.empty())
    TENON_RETURN_IF_ERROR(checkOutput(settings.page, "--report"));
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return sets.takeStatus();
  if (sets->size() > 1)
    return Status::error("TN9003", "--shape is given twice for one input", "", "give one shape for each input");
  for (const auto &[name, shape] : sets->front())
    settings.compile.shapes[name] = {shape.dims, shape.fixed};
  settings.compile.threads = unsigned(settings.threads);
  TENON_RETURN_IF_ERROR(settings.finish());
  if (settings.searches)
    return prepareSearch(settings);
  if (settings.limits.loss != compress::Limits().loss || settings.mostMegabytes > 0 || settings.mostMilliseconds > 0 ||
      settings.objective != "time")
    return Status::error("TN9003", "--budget, --max-size, --max-latency and --objective are limits of a search", "",
                         "add --search, or leave them out");
  if (!settings.options.any())
    return Status::error("TN9002", "there is nothing to do", "",
                         "add --quantize, --prune, --low-rank, --merge, --precision, or --search");
  return Status::success();
}

/// The data to evaluate with, or else to calibrate with.
static Expected<std::unique_ptr<data::Dataset>> openEvaluation(const CompressSettings &settings,
                                                               mlir::ModuleOp module) {
  if (settings.evaluation.empty())
    return settings.openCalibration(module);
  data::DatasetOptions options = settings.data;
  options.limit.reset();
  return data::openDataset(settings.evaluation, compress::describeInputs(module), options);
}

/// What the cost model says a run takes with inputs of these extents; 0 where it says nothing.
static double predictSeconds(const plan::Container &container, const std::vector<std::vector<int64_t>> &dims) {
  const plan::Plan &plan = container.plan();
  auto table = KernelTable::create(container, "");
  if (!table || !plan.functions() || plan.functions()->size() != 1)
    return 0;
  auto sized = sizeFunction(*plan.functions()->Get(0), dims, 1);
  double microseconds = 0;
  if (sized)
    for (const json::Value &kernel : table->describe(*sized))
      microseconds += kernel.getAsObject()->getNumber("predicted_us").value_or(0);
  return microseconds * 1e-6;
}

/// Both models on the data to evaluate with, or else to calibrate with; nothing where there are none.
static Status measure(const CompressSettings &settings, mlir::ModuleOp before, mlir::ModuleOp after,
                      DiagnosticCollector &diagnostics, CompressReport &summary) {
  if (settings.evaluation.empty() && settings.options.calibration.empty())
    return Status::success();
  auto dataset = openEvaluation(settings, before);
  if (!dataset)
    return dataset.takeStatus();
  auto first = compress::Trial::create(before, settings.compile);
  auto second = failed(first) ? mlir::FailureOr<compress::Trial>(mlir::failure())
                              : compress::Trial::create(after, settings.compile);
  if (failed(second)) {
    const ErrorInfo error = diagnostics.errorsOfFailure().front();
    return Status::error(error.code, error.message, error.node, error.remedy);
  }
  auto comparison = compress::compare(*first, *second, **dataset, compress::chooseMetric(before));
  if (!comparison)
    return comparison.takeStatus();
  summary.comparison = *comparison;
  summary.predictedBefore = predictSeconds(first->session().container(), comparison->dims);
  summary.predictedAfter = predictSeconds(second->session().container(), comparison->dims);
  if (!settings.options.calibration.empty()) {
    auto hash = data::hashData(settings.options.calibration);
    if (!hash)
      return hash.takeStatus();
    summary.dataHash = *hash;
  }
  return Status::success();
}

/// Writes the model, and says what was done.
static int finish(CompressSettings &settings, const Report &report, CompressReport summary, mlir::ModuleOp module,
                  DiagnosticCollector &diagnostics) {
  if (failed(compress::writeModel(module, settings.output)))
    return report.fail(diagnostics.errorsOfFailure());
  if (Status counted = summary.countFiles(); !counted.ok())
    return report.fail(counted);
  if (!settings.page.empty())
    if (Status written = writePage(summary, settings.page); !written.ok())
      return report.fail(written);
  if (!report.json())
    printReport(summary, llvm::outs());
  return report.finish(toJson(summary));
}

/// Replaces the module by the best that a search finds.
static int searchModel(CompressSettings &settings, const Report &report, mlir::OwningOpRef<mlir::ModuleOp> module,
                       const compress::Environment &environment, DiagnosticCollector &diagnostics) {
  auto evaluation = openEvaluation(settings, *module);
  if (!evaluation)
    return report.fail(evaluation.status());
  auto found = compress::searchCompression(*module, settings.options, settings.limits,
                                           {environment.dataset, evaluation->get()}, settings.compile, environment);
  if (failed(found))
    return report.fail(diagnostics.errorsOfFailure());
  CompressReport summary{settings.model, settings.output, "none"};
  if (found->best) {
    compress::Attempt &best = found->attempts[*found->best];
    summary.method = compress::describe(best.options);
    summary.result = best.result;
    if (Status measured = measure(settings, *module, *found->module, diagnostics, summary); !measured.ok())
      return report.fail(measured);
    module = std::move(found->module);
  } else {
    summary.result.notes.push_back("nothing that was tried is within the limits and no slower: the model is as it was");
  }
  summary.attempts = std::move(found->attempts);
  return finish(settings, report, std::move(summary), *module, diagnostics);
}

static int compressModel(CompressSettings &settings, const Report &report) {
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  mlir::MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  DiagnosticCollector diagnostics(context);
  const Line line;
  line("importing", 0);
  auto module = importModel(settings.model, settings.compile, context);
  if (!module)
    return report.fail(diagnostics.errorsOfFailure());
  auto dataset = settings.openCalibration(*module);
  if (!dataset)
    return report.fail(dataset.status());
  const compress::Environment environment{dataset->get(), std::cref(line), &settings.compile};
  if (settings.searches)
    return searchModel(settings, report, std::move(module), environment, diagnostics);
  mlir::OwningOpRef<mlir::ModuleOp> original(module->clone());
  CompressReport summary{settings.model, settings.output, compress::describe(settings.options)};
  auto result = compress::compressModule(*module, settings.options, environment);
  if (failed(result) || failed(compress::convertPrecision(*module, settings.options.precision)))
    return report.fail(diagnostics.errorsOfFailure());
  summary.result = std::move(*result);
  line("measuring", 0.9);
  if (Status measured = measure(settings, *original, *module, diagnostics, summary); !measured.ok())
    return report.fail(measured);
  return finish(settings, report, std::move(summary), *module, diagnostics);
}

int tools::runCompress(Arguments arguments) {
  CompressSettings settings;
  Report report;
  CommandLine line("compress", "MODEL.onnx", "Makes a model smaller or faster, and writes it as ONNX again.");
  line.text("o", "SMALL.onnx", "the file to write; as MLIR where it ends in .mlir", settings.output);
  settings.declare(line);
  line.option("precision", "fp16|bf16", "values and weights of 16 bits; with --calibration, where that is safe",
              [&](llvm::StringRef text) {
                const std::optional<Precision> precision = parsePrecision(text);
                settings.options.precision = precision.value_or(Precision::Full);
                return precision && *precision != Precision::Tf32
                           ? Status::success()
                           : Status::error("TN9014", "there is no precision '" + text.str() + "'", "",
                                           "choose among full, fp16 and bf16");
              });
  line.text("evaluate", "FILE.npz|DIR", "data to measure accuracy and time with; default: those to calibrate with",
            settings.evaluation);
  line.flag("search", "try the methods, alone and together, and take the best within the limits", settings.searches);
  line.real("budget", "PERCENT", "of --search: how much worse it may become; default 0.5", settings.limits.loss);
  line.real("max-size", "MB", "of --search: of the plan, at most", settings.mostMegabytes);
  line.real("max-latency", "MS", "of --search: of a run, at most", settings.mostMilliseconds);
  line.choice("objective", {"time", "size"}, "of --search: what is least within the limits; default time",
              settings.objective);
  line.texts("shape", "NAME=1x3x224x224[!]", "the size of an input; with ! the only one", settings.shapes);
  line.number("threads", "of the runs that are timed; 0 = all cores", settings.threads, 0, 4096);
  line.text("report", "FILE.html", "write what was done to each layer, and what it did, as a page", settings.page);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.model = line.operand();
  if (Status ready = prepare(settings); !ready.ok())
    return report.fail(ready);
  return supervise({}, report, [&](const std::string &) { return compressModel(settings, report); });
}
