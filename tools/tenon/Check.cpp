//===- Check.cpp - tenon check --------------------------------------------===//
#include "tenon/Pipelines/Check.h"

#include "Commands.h"
#include "CompileOptions.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Importer/Operators.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
struct CheckSettings : CompileArguments {
  std::string model;
  std::vector<std::string> shapes;
  bool listsOperators = false;
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

/// All operators that ONNX defines or there is a rule for, and the opsets that are supported; none for some.
static int listAll(const Report &report) {
  json::Array rows;
  for (const OperatorInfo &info : listOperators()) {
    json::Array opsets;
    std::string text;
    for (auto [first, last] : info.opsets) {
      opsets.push_back(json::Array{first, last});
      text += llvm::formatv(" {0}-{1}", first, last).str();
    }
    if (!report.json())
      llvm::outs() << llvm::formatv("{0,-14} {1,-34}{2}\n", info.domain.empty() ? "ai.onnx" : info.domain, info.name,
                                    text.empty() ? " not supported" : text);
    rows.push_back(json::Object{{"domain", info.domain}, {"name", info.name}, {"opsets", std::move(opsets)}});
  }
  return report.finish(json::Object{{"operators", std::move(rows)}});
}

int tools::runCheck(Arguments arguments) {
  CheckSettings settings;
  Report report;
  CommandLine line("check", "MODEL.onnx",
                   "Says whether a model can be compiled, and if not, all that stands against it at once.",
                   /*operandRequired=*/false);
  settings.declare(line);
  line.texts("shape", "NAME=1x3x224x224!", "with !, only this size is meant", settings.shapes);
  line.flag("list-ops", "instead list all operators, and their opsets that are supported", settings.listsOperators);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  if (settings.listsOperators)
    return listAll(report);
  settings.model = line.operand();
  if (settings.model.empty())
    return report.fail(Status::error("TN9002", "`tenon check` needs MODEL.onnx"));
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return report.fail(sets.status());
  if (Status ready = settings.finish(sets->front()); !ready.ok())
    return report.fail(ready);
  return supervise({.maxMemory = settings.options.maxMemory}, report,
                   [&](const std::string &) { return check(settings, report); });
}
