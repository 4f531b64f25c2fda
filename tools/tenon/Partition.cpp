//===- Partition.cpp - tenon partition ------------------------------------===//
#include "tenon/Pipelines/Partition.h"
#include "Commands.h"
#include "CompileOptions.h"
#include "PartitionTable.h"
#include "common/Codes.h"
#include "common/Progress.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
struct PartitionSettings {
  CompileOptions options;
  std::string model, page;
  std::vector<std::string> shapes;
  bool isTraining = false;
};
} // namespace

static Status prepare(PartitionSettings &settings) {
  if (settings.options.devices.empty())
    return Status::error("TN9002", "`tenon partition` needs --devices=CLUSTER");
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return sets.takeStatus();
  if (sets->size() > 1)
    return Status::error("TN9003", "--shape is given twice for one input", "", "give one shape for each input");
  for (const auto &[name, shape] : sets->front())
    settings.options.shapes[name] = {shape.dims, shape.fixed};
  return Status::success();
}

static Status writePage(const PartitionSettings &settings, const PartitionAnswer &answer) {
  std::error_code code;
  llvm::ToolOutputFile file(settings.page, code, llvm::sys::fs::OF_Text);
  if (code)
    return Status::error("TN9010", "cannot write '" + settings.page + "': " + code.message());
  printPage(answer, llvm::sys::path::filename(settings.model).str() + " over " + settings.options.devices, file.os());
  file.os().flush();
  if (file.os().has_error())
    return Status::error("TN9010", "cannot write '" + settings.page + "': " + file.os().error().message());
  file.keep();
  return Status::success();
}

static int partition(PartitionSettings &settings, const Report &report) {
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  mlir::MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  DiagnosticCollector diagnostics(context);
  mlir::FailureOr<PartitionAnswer> answer = mlir::failure();
  {
    const Progress progress;
    // The search reports as the part of a compilation that it is: from a tenth to two tenths.
    settings.options.progress = [&](Phase phase, double done) { progress(phase, 10 * done - 1); };
    answer = partitionModel(settings.model, settings.options, settings.isTraining, context);
  }
  if (failed(answer))
    return report.fail(diagnostics.errorsOfFailure());
  if (!settings.page.empty())
    if (Status written = writePage(settings, *answer); !written.ok())
      return report.fail(written);
  if (!report.json())
    printTable(*answer, llvm::outs());
  return report.finish(toJson(*answer));
}

int tools::runPartition(Arguments arguments) {
  PartitionSettings settings;
  Report report;
  CommandLine line("partition", "MODEL.onnx",
                   "Finds how a model is best split over the devices of a cluster, and says how good that is.");
  line.text("devices", "CLUSTER", "the cluster: its name, or the file of one", settings.options.devices);
  line.text("parallel", "auto|data:N,tensor:N,pipeline:N", "the form; default auto, the fastest",
            settings.options.parallel);
  line.texts("split", "NODE=STRATEGY", "how a node is split, as the table names it; NODE may hold *",
             settings.options.pins);
  line.flag("train", "a step of training instead of a run: gradients, and an optimizer's state", settings.isTraining);
  line.texts("shape", "NAME=1x3x224x224", "the sizes that are priced", settings.shapes);
  line.option("precision", "full|tf32|fp16|bf16", "what products compute in; default full", [&](llvm::StringRef text) {
    const std::optional<Precision> precision = parsePrecision(text);
    settings.options.precision = precision.value_or(Precision::Full);
    return precision ? Status::success()
                     : Status::error("TN9014", "there is no precision '" + text.str() + "'", "",
                                     "choose among full, tf32, fp16 and bf16");
  });
  line.text("report", "FILE.html", "write a page with charts of time and memory", settings.page);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.model = line.operand();
  if (Status ready = prepare(settings); !ready.ok())
    return report.fail(ready);
  return supervise({}, report, [&](const std::string &) { return partition(settings, report); });
}
