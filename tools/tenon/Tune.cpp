//===- Tune.cpp - tenon tune ----------------------------------------------===//
//
// Compiles the model once for every tactic that kernels can choose among, and runs the plans in turns, so that what
// disturbs the machine disturbs all of them. Medians go to the timing database. On a GPU a plan takes the n-th tile
// of every kernel, or a library wherever that computes one, and events of the device tell the times. With --plans they
// are only written, for a machine without a compiler (test/Gpu/run_bundle.py).
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "CompileOptions.h"
#include "common/Codes.h"
#include "common/Inputs.h"
#include "common/Report.h"
#include "common/Supervise.h"
#include "common/Values.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Cost/KernelNotes.h"
#include "tenon/Cost/Timings.h"
#include "tenon/Pipelines/Registration.h"
#include "tenon/Plan/Container.h"
#include "tenon/Runtime/Session.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {

struct TuneSettings : CompileArguments {
  std::string model, timings, plans;
  std::vector<std::string> shapes;
  int64_t iterations = 20, warmUp = 3, seed = 0;
};

/// The plan in which every choice is `tactic`, and what its kernels took: by name, seconds of a launch in each run.
struct Trial {
  std::string tactic, path;
  cost::KernelNotes notes;
  std::unique_ptr<runtime::Session> session;
  std::map<std::string, std::vector<double>> times;

  bool isGpu() const { return tactic.rfind("rows=", 0) != 0; }
  bool isLibrary() const { return isGpu() && tactic.rfind("tile=", 0) != 0; }
  /// Whether a kernel took it.
  bool isTaken() const {
    return llvm::any_of(notes.kernels, [](const cost::KernelNote &note) { return !note.tactic.key.empty(); });
  }
};

/// What is measured, and what could not be.
struct Experiment {
  std::vector<Trial> trials;
  std::vector<std::string> skipped;
};

} // namespace

static Status compileTrial(const TuneSettings &settings, Trial &trial) {
  mlir::DialectRegistry dialects;
  registerAllDialects(dialects);
  mlir::MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  DiagnosticCollector diagnostics(context);
  CompileOptions options = settings.options;
  options.forcedTactic = trial.tactic;
  if (failed(compileModel(settings.model, trial.path, options, context))) {
    const ErrorInfo error = diagnostics.errorsOfFailure().front();
    return Status::error(error.code, error.message, error.node, error.remedy);
  }
  auto container = plan::Container::open(trial.path);
  if (!container)
    return container.takeStatus();
  std::span<const uint8_t> section = (*container)->section(plan::SectionKind::Kernels);
  auto notes = cost::parseKernelNotes({reinterpret_cast<const char *>(section.data()), section.size()});
  if (!notes)
    return notes.takeStatus();
  trial.notes = std::move(*notes);
  if (!settings.plans.empty())
    return Status::success();
  auto session = runtime::Session::create(*container, {.threads = int(settings.threads)});
  if (!session)
    return session.takeStatus();
  trial.session = std::move(*session);
  return Status::success();
}

/// One run; keeps its times if `isTimed`.
static Status run(Trial &trial, const std::vector<runtime::Value> &inputs, bool isTimed) {
  runtime::Profile profile;
  runtime::RunOptions options;
  options.profile = &profile;
  if (auto outputs = trial.session->runValues(inputs, options); !outputs)
    return outputs.takeStatus();
  std::map<std::string, std::pair<double, int>> sums;
  for (const runtime::ProfileEvent &event : profile.events) {
    sums[event.name].first += double(event.duration) * 1e-9;
    sums[event.name].second += 1;
  }
  for (const auto &[name, sum] : sums)
    if (isTimed)
      trial.times[name].push_back(sum.first / sum.second);
  return Status::success();
}

static cost::Timing summarize(const Trial &trial, const cost::KernelNote &note, const std::string &device,
                              std::vector<double> times) {
  llvm::sort(times);
  auto quantile = [&](double q) { return times[size_t(q * double(times.size() - 1) + 0.5)]; };
  cost::Timing timing;
  timing.device = device;
  timing.key = note.tactic.key;
  timing.tactic = trial.isGpu() ? note.tactic.name : trial.tactic;
  timing.problem = note.name.substr(std::min(note.name.size(), note.name.find('_') + 1)) + ", " +
                   std::to_string(note.size) + " results";
  if (!trial.isGpu())
    timing.problem += ", " + std::to_string(trial.session->threads()) + " threads";
  timing.size = note.size;
  timing.median = std::max(quantile(0.5), 1e-9);
  timing.spread = (quantile(0.9) - quantile(0.1)) / timing.median;
  timing.runs = int64_t(times.size());
  return timing;
}

/// Leaves out a library that refuses one of these problems, where ours were measured, too.
static bool leaveOut(const TuneSettings &settings, const Trial &trial, const Status &failure, Experiment &experiment) {
  if (!trial.isLibrary() || settings.options.tactics != cost::Tactics::Auto)
    return false;
  experiment.skipped.push_back(trial.tactic + ": " + failure.error().message);
  return true;
}

static Status measure(const TuneSettings &settings, const ShapeSet &shapes, Experiment &experiment) {
  std::vector<Trial> &trials = experiment.trials;
  const std::vector<runtime::TensorInfo> &declared = trials.front().session->inputs();
  auto tensors = completeInputs({}, declared, shapes, uint64_t(settings.seed));
  if (!tensors)
    return tensors.takeStatus();
  auto inputs = assembleValues(std::move(*tensors), declared);
  if (!inputs)
    return inputs.takeStatus();
  for (int64_t round = -settings.warmUp; round < settings.iterations; ++round)
    for (size_t i = 0; i < trials.size(); ++i)
      if (Status done = run(trials[i], *inputs, round >= 0); !done.ok()) {
        if (!leaveOut(settings, trials[i], done, experiment))
          return done;
        trials.erase(trials.begin() + ptrdiff_t(i--));
      }
  return Status::success();
}

static Status write(const cost::Timings &timings, const std::string &path) {
  std::error_code code;
  const std::string temporary = path + ".tmp";
  {
    llvm::ToolOutputFile file(temporary, code, llvm::sys::fs::OF_Text);
    if (!code) {
      file.os() << timings.text();
      file.os().close();
      code = file.os().error();
      file.os().clear_error();
    }
    if (!code)
      file.keep();
  }
  if (!code)
    code = llvm::sys::fs::rename(temporary, path);
  return code ? Status::error("TN9033", "cannot write '" + path + "': " + code.message()) : Status::success();
}

/// Adds what was measured to `timings`; one row of the result for each.
static json::Array collect(const std::vector<Trial> &trials, const std::string &device, cost::Timings &timings) {
  json::Array rows;
  for (const Trial &trial : trials)
    for (const cost::KernelNote &note : trial.notes.kernels) {
      auto times = trial.times.find(note.name);
      if (note.tactic.key.empty() || times == trial.times.end())
        continue;
      cost::Timing timing = summarize(trial, note, device, times->second);
      rows.push_back(json::Object{{"problem", timing.problem},
                                  {"key", timing.key},
                                  {"tactic", timing.tactic},
                                  {"median_us", timing.median * 1e6},
                                  {"spread", timing.spread}});
      timings.add(std::move(timing));
    }
  return rows;
}

static Status addTrial(const TuneSettings &settings, llvm::StringRef scratch, const std::string &tactic,
                       Experiment &experiment) {
  Trial trial{tactic, (scratch + "/" + tactic + ".tenon").str(), {}, nullptr, {}};
  TENON_RETURN_IF_ERROR(compileTrial(settings, trial));
  experiment.trials.push_back(std::move(trial));
  return Status::success();
}

/// The tiles of a GPU's kernels, and the libraries that this machine has.
static Status addGpuTrials(const TuneSettings &settings, llvm::StringRef scratch, Experiment &experiment) {
  int64_t most = 1;
  for (int64_t i = 0; i < most; ++i) {
    TENON_RETURN_IF_ERROR(addTrial(settings, scratch, "tile=" + std::to_string(i), experiment));
    for (const cost::KernelNote &note : experiment.trials.back().notes.kernels)
      most = std::max(most, note.tactic.choices);
  }
  if (settings.options.tactics == cost::Tactics::Own)
    return Status::success();
  for (const char *library : {"cublaslt", "cudnn"}) {
    Status added = addTrial(settings, scratch, library, experiment);
    const bool isMissing = !added.ok() && added.error().code == "TN8004";
    if (isMissing && settings.options.tactics == cost::Tactics::Auto)
      experiment.skipped.push_back(std::string(library) + ": " + added.error().message);
    else if (!added.ok())
      return added;
    else if (!experiment.trials.back().isTaken()) { // it computes nothing here
      llvm::sys::fs::remove(experiment.trials.back().path);
      experiment.trials.pop_back();
    }
  }
  return Status::success();
}

static Status addTrials(const TuneSettings &settings, llvm::StringRef scratch, Experiment &experiment) {
  if (settings.options.target == "cuda")
    return addGpuTrials(settings, scratch, experiment);
  for (int64_t rows : codegen::getAllProductRows())
    TENON_RETURN_IF_ERROR(addTrial(settings, scratch, "rows=" + std::to_string(rows), experiment));
  return Status::success();
}

/// Times count for the device that the description is of.
static Status checkDevice(const cost::Device &device, const Trial &trial) {
  if (!trial.isGpu() || trial.session->arch() == device.arch)
    return Status::success();
  return Status::error(
      "TN9034", "this GPU runs code for " + trial.session->arch() + ", but " + device.name + " has " + device.arch, "",
      "name the GPU of this machine with --device");
}

/// Writes the plans and runs none.
static Status writePlans(const TuneSettings &settings, json::Object &result) {
  if (std::error_code code = llvm::sys::fs::create_directories(settings.plans))
    return Status::error("TN9010", "cannot make '" + settings.plans + "': " + code.message());
  Experiment experiment;
  TENON_RETURN_IF_ERROR(addTrials(settings, settings.plans, experiment));
  json::Array plans;
  for (const Trial &trial : experiment.trials)
    plans.push_back(json::fixUTF8(trial.path));
  result = json::Object{{"plans", std::move(plans)}};
  return Status::success();
}

static Status tune(const TuneSettings &settings, const ShapeSet &shapes, llvm::StringRef scratch,
                   json::Object &result) {
  if (!settings.plans.empty())
    return writePlans(settings, result);
  cost::Timings timings;
  if (llvm::sys::fs::exists(settings.timings)) {
    auto known = cost::Timings::read(settings.timings);
    if (!known)
      return known.takeStatus();
    timings = std::move(*known);
  }
  Experiment experiment;
  TENON_RETURN_IF_ERROR(addTrials(settings, scratch, experiment));
  std::vector<Trial> &trials = experiment.trials;
  auto device = cost::parseDevice(trials.front().notes.device);
  if (!device)
    return device.takeStatus();
  TENON_RETURN_IF_ERROR(checkDevice(*device, trials.front()));
  TENON_RETURN_IF_ERROR(measure(settings, shapes, experiment));
  json::Array rows = collect(trials, device->name, timings);
  if (rows.empty())
    return Status::error("TN9034", "no kernel of the model has more than one tactic");
  TENON_RETURN_IF_ERROR(write(timings, settings.timings));
  result = json::Object{
      {"device", device->name}, {"timings", json::fixUTF8(settings.timings)}, {"measured", std::move(rows)}};
  json::Array skipped;
  for (const std::string &each : experiment.skipped)
    skipped.push_back(json::fixUTF8(each));
  result["skipped"] = std::move(skipped);
  return Status::success();
}

static void print(const json::Object &result) {
  if (const json::Array *plans = result.getArray("plans")) {
    for (const json::Value &plan : *plans)
      llvm::outs() << printable(*plan.getAsString()) << '\n';
    return;
  }
  llvm::outs() << llvm::formatv("{0,10} {1,7}  {2,-24} {3}\n", "us", "spread", "tactic", "problem");
  for (const json::Value &value : *result.getArray("measured")) {
    const json::Object &row = *value.getAsObject();
    llvm::outs() << llvm::formatv("{0,10:F1} {1,6:F1}%  {2,-24} {3}\n", *row.getNumber("median_us"),
                                  *row.getNumber("spread") * 100, *row.getString("tactic"),
                                  printable(*row.getString("problem")));
  }
  for (const json::Value &each : *result.getArray("skipped"))
    llvm::outs() << "not measured: " << printable(*each.getAsString()) << '\n';
  llvm::outs() << "timings for " << *result.getString("device") << ": " << printable(*result.getString("timings"))
               << '\n';
}

static Status prepare(TuneSettings &settings, ShapeSet &shapes) {
  if (settings.timings.empty() && settings.plans.empty())
    return Status::error("TN9002", "`tenon tune` needs --timings=FILE");
  if (settings.options.target != "cpu" && settings.options.target != "cuda")
    return Status::error("TN9034", "kernels of target " + settings.options.target + " cannot be tuned yet");
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return sets.takeStatus();
  if (sets->size() > 1)
    return Status::error("TN9003", "--shape is given twice for one input", "", "give one shape for each input");
  shapes = sets->front();
  if (settings.options.target == "cuda" && settings.options.device.empty() && settings.options.archs.empty())
    settings.options.archs = {"sm_90a"}; // one GPU is measured; --device names another than an H100
  return settings.finish(shapes);
}

int tools::runTune(Arguments arguments) {
  TuneSettings settings;
  Report report;
  CommandLine line("tune", "MODEL.onnx",
                   "Measures on this machine the tactics that kernels of a model can choose among, for "
                   "`tenon compile --timings`.");
  line.text("timings", "FILE", "the timing database to add to", settings.timings);
  line.text("plans", "DIR", "only write the plans to be timed, for another machine; nothing is measured",
            settings.plans);
  settings.declare(line);
  line.texts("shape", "NAME=1x3x224x224", "the size to measure at", settings.shapes);
  line.number("threads", "threads; 0 = all cores", settings.threads, 0, 4096);
  line.number("iterations", "timed runs of each tactic; default 20", settings.iterations, 1, 1000000);
  line.number("warm-up", "runs before timing; default 3", settings.warmUp, 0, 1000000);
  line.number("seed", "of the drawn inputs; default 0", settings.seed, 0, INT64_MAX);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.model = line.operand();
  ShapeSet shapes;
  if (Status ready = prepare(settings, shapes); !ready.ok())
    return report.fail(ready);
  return supervise({.maxMemory = settings.options.maxMemory, .scratch = true}, report, [&](const std::string &scratch) {
    json::Object result;
    if (Status done = tune(settings, shapes, scratch, result); !done.ok())
      return report.fail(done);
    if (!report.json())
      print(result);
    return report.finish(std::move(result));
  });
}
