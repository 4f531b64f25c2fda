//===- Check.cpp - tenon check --------------------------------------------===//
#include "tenon/Pipelines/Check.h"

#include "Commands.h"
#include "CompileOptions.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
struct CheckSettings : CompileArguments {
  std::string model;
  std::vector<std::string> shapes;
};
} // namespace

/// "Loop 3, NonZero 1" of what the errors name: what is to be done first comes first.
static std::string countOperators(llvm::ArrayRef<ErrorInfo> errors) {
  std::map<std::string, int> counts;
  for (const ErrorInfo &error : errors) {
    const auto [op, rest] = llvm::StringRef(error.message).split(" (opset ");
    if (!rest.empty() && !op.contains(' '))
      ++counts[op.str()];
  }
  std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
  llvm::stable_sort(sorted, [](const auto &a, const auto &b) { return a.second > b.second; });
  std::string text;
  for (const auto &[op, count] : sorted)
    text += (text.empty() ? "" : ", ") + op + " " + std::to_string(count);
  return text;
}

static int check(CheckSettings &settings, const Report &report) {
  constexpr size_t mostErrors = 10000;
  mlir::MLIRContext context;
  DiagnosticCollector diagnostics(context, mostErrors);
  auto result = checkModel(settings.model, settings.options, context);
  if (failed(result)) {
    const std::vector<ErrorInfo> errors = diagnostics.errorsOfFailure();
    const int status = report.fail(errors);
    const std::string operators = countOperators(errors);
    llvm::errs() << settings.model << ": " << errors.size() << (errors.size() == 1 ? " problem" : " problems")
                 << (operators.empty() ? "" : ": " + operators) << '\n';
    return status;
  }
  if (!report.json())
    llvm::outs() << llvm::formatv("{0}: ok for target {1}, {2} kernels{3}\n", settings.model, settings.options.target,
                                  result->regions,
                                  result->onHost ? llvm::formatv(", {0} on the processor", result->onHost).str() : "");
  return report.finish(json::Object{{"model", json::fixUTF8(settings.model)},
                                    {"target", settings.options.target},
                                    {"kernels", result->regions},
                                    {"host_kernels", result->onHost}});
}

int tools::runCheck(Arguments arguments) {
  CheckSettings settings;
  Report report;
  CommandLine line("check", "MODEL.onnx",
                   "Says whether a model can be compiled, and if not, all that stands against it at once.");
  settings.declare(line);
  line.texts("shape", "NAME=1x3x224x224!", "with !, only this size is meant", settings.shapes);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.model = line.operand();
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return report.fail(sets.status());
  if (Status ready = settings.finish(sets->front()); !ready.ok())
    return report.fail(ready);
  return supervise({.maxMemory = settings.options.maxMemory}, report,
                   [&](const std::string &) { return check(settings, report); });
}
