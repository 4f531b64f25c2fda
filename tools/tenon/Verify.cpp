//===- Verify.cpp - tenon verify ------------------------------------------===//
//
// Compiles the model once, then for each set of shapes: draws inputs, runs the plan, and compares all outputs with what
// an oracle computes from the same inputs.
//
//===----------------------------------------------------------------------===//
#include "Verify.h"
#include "Commands.h"
#include "CompileOptions.h"
#include "common/Codes.h"
#include "common/Compare.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "tenon/Importer/Importer.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Plan/Container.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
struct VerifySettings : CompileArguments {
  std::string model, plan, against = "reference";
  std::vector<std::string> inputs, shapes;
  std::vector<ShapeSet> sets;
  int64_t runThreads = -1, seed = 0;
  double tolerance = -1; ///< negative: 1e-4, or 1e-2 of reduced precision
};

/// The worst output over all sets.
struct Worst {
  std::string name;
  Difference difference;
  bool any = false;
};
} // namespace

static json::Value number(double value) {
  // JSON has no infinity.
  return std::isfinite(value) ? json::Value(value) : json::Value(std::isnan(value) ? "nan" : "inf");
}

static json::Object toJson(const std::string &name, const Difference &difference, double tolerance) {
  json::Object out{{"name", json::fixUTF8(name)},
                   {"relmax", number(difference.relative)},
                   {"absmax", number(difference.absolute)},
                   {"mismatches", difference.mismatches},
                   {"passed", difference.relative <= tolerance}};
  if (difference.worst >= 0) {
    out["worst_index"] = difference.worst;
    out["found"] = number(difference.found);
    out["expected"] = number(difference.expected);
  }
  if (!difference.problem.empty())
    out["problem"] = difference.problem;
  return out;
}

static void print(const std::string &name, const Difference &difference, double tolerance) {
  llvm::outs() << llvm::formatv("  {0,-30} relmax {1:e2}  {2}", printable(name), difference.relative,
                                difference.relative <= tolerance ? "ok" : "DIFFERS");
  if (difference.relative > tolerance && difference.problem.empty())
    llvm::outs() << llvm::formatv(": element {0} is {1}, expected {2}; {3} differ", difference.worst, difference.found,
                                  difference.expected, difference.mismatches);
  else if (!difference.problem.empty())
    llvm::outs() << ": " << difference.problem;
  llvm::outs() << '\n';
}

static std::string describe(llvm::ArrayRef<runtime::NamedTensor> inputs) {
  std::string text;
  for (const runtime::NamedTensor &input : inputs)
    text += (text.empty() ? "" : " ") + printable(input.name) + "=" + formatDims(input.tensor.dims);
  return text;
}

static mlir::DialectRegistry allDialects() {
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  return dialects;
}

namespace {
/// One verification; everything that lives as long as it does.
class Verification {
public:
  Verification(const VerifySettings &settings, const Report &report, std::string scratch)
      : settings(settings), report(report), scratch(std::move(scratch)), context(allDialects()), diagnostics(context) {
    context.loadAllAvailableDialects();
  }

  int run();

private:
  Status compile();
  Status load();
  Status compareSet(const ShapeSet &shapes, json::Array &results);
  Status compareOutputs(llvm::ArrayRef<runtime::NamedTensor> inputs, json::Object &result);

  const VerifySettings &settings;
  const Report &report;
  std::string scratch, plan;
  mlir::MLIRContext context;
  DiagnosticCollector diagnostics;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<runtime::Session> session;
  std::unique_ptr<Oracle> oracle;
  std::map<std::string, DrawRule> rules;
  Worst worst;
};
} // namespace

static Status firstError(const DiagnosticCollector &diagnostics) {
  const ErrorInfo error = diagnostics.errorsOfFailure().front();
  return Status::error(error.code, error.message, error.node, error.remedy);
}

Status Verification::compile() {
  plan = settings.plan;
  if (!plan.empty())
    return Status::success();
  plan = scratch + "/model.tenon";
  return succeeded(compileModel(settings.model, plan, settings.options, context)) ? Status::success()
                                                                                  : firstError(diagnostics);
}

Status Verification::load() {
  runtime::SessionOptions options;
  options.threads = int(settings.runThreads);
  // One architecture is forced; of several the runtime takes the best.
  options.arch = settings.options.archs.size() == 1 ? settings.options.archs.front() : "";
  auto loaded = runtime::Session::create(plan, options);
  if (!loaded)
    return loaded.takeStatus();
  session = std::move(*loaded);
  ImportOptions import;
  for (const auto &[name, shape] : settings.options.shapes)
    if (shape.fixed)
      import.fixedShapes[name] = llvm::SmallVector<int64_t>(shape.dims.begin(), shape.dims.end());
  module = importOnnx(settings.model, context, import);
  if (!module)
    return firstError(diagnostics);
  auto functions = module->getOps<mlir::func::FuncOp>();
  for (mlir::func::FuncOp function : functions)
    rules.merge(findDrawRules(function));
  if (settings.against == "reference") {
    if (session->container().plan().script())
      return Status::error("TN9018", "the reference evaluator has no branches, loops and sequences of a run", "",
                           "compare with --against=onnxruntime");
    oracle = makeReferenceOracle(*functions.begin());
    return Status::success();
  }
  auto made = makeOnnxRuntimeOracle(settings.model, scratch, int(session->threads()));
  if (!made)
    return made.takeStatus();
  oracle = std::move(*made);
  return Status::success();
}

Status Verification::compareOutputs(llvm::ArrayRef<runtime::NamedTensor> inputs, json::Object &result) {
  auto found = session->run(inputs);
  if (!found)
    return found.takeStatus();
  std::vector<std::string> names;
  for (const runtime::TensorInfo &info : session->outputs())
    names.push_back(info.name);
  auto expected = oracle->run(inputs, names);
  if (!expected)
    return expected.takeStatus();
  json::Array outputs;
  for (size_t i = 0; i < names.size(); ++i) {
    const Difference difference = tools::compare((*found)[i], (*expected)[i]);
    if (!report.json())
      print(names[i], difference, settings.tolerance);
    outputs.push_back(toJson(names[i], difference, settings.tolerance));
    if (!worst.any || difference.relative > worst.difference.relative)
      worst = {names[i], difference, true};
  }
  result["outputs"] = std::move(outputs);
  return Status::success();
}

Status Verification::compareSet(const ShapeSet &shapes, json::Array &results) {
  auto given = readInputs(settings.inputs, session->inputs());
  if (!given)
    return given.takeStatus();
  auto inputs = completeInputs(std::move(*given), session->inputs(), shapes, uint64_t(settings.seed), rules);
  if (!inputs)
    return inputs.takeStatus();
  if (!report.json())
    llvm::outs() << describe(*inputs) << '\n';
  json::Object result, at;
  for (const runtime::NamedTensor &input : *inputs)
    at[json::fixUTF8(input.name)] = json::Array(input.tensor.dims);
  result["shapes"] = std::move(at);
  TENON_RETURN_IF_ERROR(compareOutputs(*inputs, result));
  results.push_back(std::move(result));
  return Status::success();
}

int Verification::run() {
  Status done = compile();
  if (done.ok())
    done = load();
  json::Array results;
  for (size_t i = 0; done.ok() && i < settings.sets.size(); ++i)
    done = compareSet(settings.sets[i], results);
  if (!done.ok())
    return report.fail(done);
  const bool passed = !worst.any || worst.difference.relative <= settings.tolerance;
  json::Object result{{"against", settings.against},
                      {"tolerance", settings.tolerance},
                      {"passed", passed},
                      {"arch", session->arch()},
                      {"threads", int64_t(session->threads())}};
  result["runs"] = std::move(results);
  if (worst.any)
    result["worst"] = toJson(worst.name, worst.difference, settings.tolerance);
  if (!report.json())
    llvm::outs() << llvm::formatv("{0}: worst output '{1}', relmax {2:e2}, tolerance {3:e2}, against {4}\n",
                                  passed ? "passed" : "FAILED", printable(worst.name), worst.difference.relative,
                                  settings.tolerance, settings.against);
  llvm::outs().flush(); // the figures come before the verdict where both go to one file
  if (!passed)
    llvm::errs() << tools::describe(ErrorInfo{"TN9008", "output '" + worst.name + "' differs from " + settings.against,
                                              "report it as a bug with the model and the command", ""});
  return report.finish(std::move(result), passed ? ExitOk : ExitModel);
}

static Status prepare(VerifySettings &settings) {
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return sets.takeStatus();
  settings.sets = std::move(*sets);
  if (settings.tolerance < 0)
    settings.tolerance = settings.options.precision == Precision::Full ? 1e-4 : 1e-2;
  return settings.finish(settings.sets.front());
}

int tools::runVerify(Arguments arguments) {
  VerifySettings settings;
  Report report;
  CommandLine line("verify", "MODEL.onnx",
                   "Compiles a model, runs it on seeded inputs and compares all outputs with a reference.\n"
                   "The measure is relmax = max|a-b| / max|b|; integers must be equal.\n"
                   "Float inputs of 1 or 3 channels (1x3xHxW, 1xHxWx3) are drawn as pages of text in [-1, 1], other\n"
                   "floats as normal noise; an index stays inside of the table it reads.");
  line.texts("input", "NAME=FILE.npy", "an input; the others are drawn", settings.inputs);
  line.texts("shape", "NAME=1x3x224x224[!]", "extents of an input that is drawn; repeat it to verify several sizes",
             settings.shapes);
  line.number("seed", "of the drawn inputs; default 0", settings.seed, 0, INT64_MAX);
  line.choice("against", {"reference", "onnxruntime"}, "what to compare with", settings.against);
  line.real("tolerance", "RELMAX", "largest relmax of a floating-point output; default 1e-4,\n1e-2 with --precision",
            settings.tolerance);
  line.text("plan", "MODEL.tenon", "verify this plan of the model instead of compiling", settings.plan);
  line.number("threads", "run-time threads; 0 = all cores", settings.runThreads, 0, 4096);
  settings.declare(line);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.model = line.operand();
  if (Status ready = prepare(settings); !ready.ok())
    return report.fail(ready);
  return supervise({.maxMemory = settings.options.maxMemory, .scratch = true}, report,
                   [&](const std::string &scratch) { return Verification(settings, report, scratch).run(); });
}
