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
#include "common/Codes.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Compress/Calibration.h"
#include "tenon/Compress/Evaluate.h"
#include "tenon/Exporter/Exporter.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {

struct CompressSettings : CompressArguments {
  CompileOptions compile;
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

static Status prepare(CompressSettings &settings) {
  if (settings.output.empty())
    return Status::error("TN9002", "`tenon compress` needs -o SMALL.onnx");
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return sets.takeStatus();
  if (sets->size() > 1)
    return Status::error("TN9003", "--shape is given twice for one input", "", "give one shape for each input");
  for (const auto &[name, shape] : sets->front())
    settings.compile.shapes[name] = {shape.dims, shape.fixed};
  settings.compile.threads = unsigned(settings.threads);
  TENON_RETURN_IF_ERROR(settings.finish());
  if (!settings.options.any())
    return Status::error("TN9002", "there is nothing to do", "",
                         "add --quantize, --prune, --low-rank, --merge or --precision");
  return Status::success();
}

/// The module as ONNX, or as text where the path ends in .mlir; whole or not at all.
static Status writeModel(mlir::ModuleOp module, const std::string &path, DiagnosticCollector &diagnostics) {
  std::error_code code;
  const std::string part = path + ".part";
  {
    llvm::ToolOutputFile file(part, code, llvm::sys::fs::OF_None);
    if (code)
      return Status::error("TN9010", "cannot write '" + path + "': " + code.message());
    if (llvm::StringRef(path).ends_with(".mlir")) {
      module.print(file.os());
    } else if (failed(exportOnnx(module, file.os()))) {
      const ErrorInfo error = diagnostics.errorsOfFailure().front();
      return Status::error(error.code, error.message, error.node, error.remedy);
    }
    file.os().flush();
    if (file.os().has_error()) {
      code = file.os().error();
      file.os().clear_error();
      return Status::error("TN9010", "cannot write '" + path + "': " + code.message());
    }
    file.keep();
  }
  if ((code = llvm::sys::fs::rename(part, path)))
    return Status::error("TN9010", "cannot write '" + path + "': " + code.message());
  return Status::success();
}

/// Both models on the data to evaluate with, or else to calibrate with; nothing where there are none.
static Expected<std::optional<compress::Comparison>> measure(const CompressSettings &settings, mlir::ModuleOp before,
                                                             mlir::ModuleOp after, DiagnosticCollector &diagnostics) {
  const std::string &path = settings.evaluation.empty() ? settings.options.calibration : settings.evaluation;
  if (path.empty())
    return std::optional<compress::Comparison>();
  data::DatasetOptions options = settings.data;
  if (!settings.evaluation.empty())
    options.limit.reset();
  auto dataset = data::openDataset(path, compress::describeInputs(before), options);
  if (!dataset)
    return dataset.takeStatus();
  auto first = compress::Trial::create(before, settings.compile);
  auto second = failed(first) ? mlir::FailureOr<compress::Trial>(mlir::failure())
                              : compress::Trial::create(after, settings.compile);
  if (failed(second)) {
    const ErrorInfo error = diagnostics.errorsOfFailure().front();
    return Status::error(error.code, error.message, error.node, error.remedy);
  }
  auto comparison = compress::compare(*first, *second, **dataset);
  if (!comparison)
    return comparison.takeStatus();
  return std::optional(*comparison);
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
  mlir::OwningOpRef<mlir::ModuleOp> original(module->clone());
  CompressReport summary{settings.model, settings.output, compress::describe(settings.options)};
  auto result = compress::compressModule(*module, settings.options, {dataset->get(), std::cref(line)});
  if (failed(result))
    return report.fail(diagnostics.errorsOfFailure());
  summary.result = std::move(*result);
  line("writing", 0.8);
  if (Status written = writeModel(*module, settings.output, diagnostics); !written.ok())
    return report.fail(written);
  line("measuring", 0.9);
  auto comparison = measure(settings, *original, *module, diagnostics);
  if (!comparison)
    return report.fail(comparison.status());
  summary.comparison = *comparison;
  if (Status counted = summary.countFiles(); !counted.ok())
    return report.fail(counted);
  if (!settings.page.empty())
    if (Status written = writePage(summary, settings.page); !written.ok())
      return report.fail(written);
  if (!report.json())
    printReport(summary, llvm::outs());
  return report.finish(toJson(summary));
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
