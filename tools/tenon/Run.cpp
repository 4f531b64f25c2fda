//===- Run.cpp - tenon run ------------------------------------------------===//
#include "Commands.h"
#include "common/Codes.h"
#include "common/Inputs.h"
#include "common/Report.h"
#include "common/Values.h"
#include "tenon/Data/Npy.h"
#include "tenon/Runtime/CpuInfo.h"
#include "tenon/Runtime/DynamicSession.h"
#include "tenon/Runtime/Session.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <csignal>
#include <fstream>
#include <unistd.h>

using namespace tenon;
using namespace tenon::tools;

namespace {
struct RunSettings {
  std::string plan, outputDir, arch, profile;
  std::vector<std::string> inputs;
  std::string transport, schedule = "static";
  int64_t threads = -1, ranks = 0;
};
} // namespace

static Status writeProfile(const runtime::Profile &profile, const std::string &path) {
  std::ofstream file(path, std::ios::binary);
  file << profile.chromeTrace();
  file.close();
  return file ? Status::success() : Status::error("TN7016", "cannot write '" + path + "'");
}

/// Writes all outputs, or none: files already written are removed where a later one fails. A list of paths for each.
static Status writeOutputs(const std::string &folder, const std::vector<runtime::TensorInfo> &infos,
                           const std::vector<runtime::Value> &outputs, std::vector<std::vector<std::string>> &paths) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return Status::error("TN9007", "cannot make the folder '" + folder + "': " + error.message());
  for (size_t i = 0; i < outputs.size(); ++i) {
    Status written = writeValue(folder + "/" + data::encodeFileName(infos[i].name), outputs[i], paths.emplace_back());
    if (written.ok())
      continue;
    for (const std::vector<std::string> &ofOutput : paths)
      for (const std::string &path : ofOutput)
        std::remove(path.c_str());
    return written;
  }
  return Status::success();
}

static llvm::json::Object describe(const runtime::Tensor &tensor, const std::string &path) {
  llvm::json::Object entry{{"type", elementName(tensor.type).data()}, {"dims", llvm::json::Array(tensor.dims)}};
  if (!path.empty())
    entry["file"] = llvm::json::fixUTF8(path);
  return entry;
}

/// A tensor has type, dims and file; a sequence elements that have; an empty optional neither.
static llvm::json::Object describe(const std::string &name, const runtime::Value &value,
                                   const std::vector<std::string> &paths) {
  auto path = [&](size_t index) { return index < paths.size() ? paths[index] : ""; };
  llvm::json::Object entry;
  if (value.kind == runtime::ValueKind::Tensor)
    entry = describe(value.tensor, path(0));
  if (value.kind == runtime::ValueKind::Sequence) {
    llvm::json::Array elements;
    for (size_t i = 0; i < value.elements.size(); ++i)
      elements.push_back(describe(value.elements[i], path(i)));
    entry["elements"] = std::move(elements);
  }
  entry["name"] = llvm::json::fixUTF8(name);
  return entry;
}

/// Where a rank is gone, mpirun ends the others: they get a second to say what they know.
static void delayTermination() {
  std::signal(SIGTERM, [](int) { alarm(1); });
}

/// Writes the outputs where there is a folder for them, and describes them in `result`.
static Status writeAll(const std::string &folder, const std::vector<runtime::TensorInfo> &infos,
                       const std::vector<runtime::Value> &outputs, llvm::json::Object &result) {
  std::vector<std::vector<std::string>> paths;
  if (!folder.empty())
    TENON_RETURN_IF_ERROR(writeOutputs(folder, infos, outputs, paths));
  paths.resize(outputs.size());
  llvm::json::Array list;
  for (size_t i = 0; i < outputs.size(); ++i)
    list.push_back(describe(infos[i].name, outputs[i], paths[i]));
  result["outputs"] = std::move(list);
  return Status::success();
}

static Status execute(const RunSettings &settings, llvm::json::Object &result) {
  runtime::SessionOptions options;
  options.threads = int(settings.threads);
  options.arch = settings.arch;
  options.transport = settings.transport.empty() ? runtime::detectTransport() : settings.transport;
  if (options.transport != "threads")
    delayTermination();
  auto session = runtime::Session::create(settings.plan, options);
  if (!session)
    return session.takeStatus();
  if (settings.ranks > 0 && settings.ranks != int64_t((*session)->ranks()))
    return Status::error(
        "TN9003",
        "--ranks=" + std::to_string(settings.ranks) + ", but the plan has " + std::to_string((*session)->ranks()), "",
        "compile with --parallel for as many, or give --ranks=" + std::to_string((*session)->ranks()));
  auto tensors = readInputs(settings.inputs, (*session)->inputs());
  if (!tensors)
    return tensors.takeStatus();
  auto inputs = assembleValues(std::move(*tensors), (*session)->inputs());
  if (!inputs)
    return inputs.takeStatus();
  runtime::Profile profile;
  runtime::RunOptions run;
  run.profile = settings.profile.empty() ? nullptr : &profile;
  auto outputs = (*session)->runValues(*inputs, run);
  if (!outputs)
    return outputs.takeStatus();
  if (run.profile)
    TENON_RETURN_IF_ERROR(writeProfile(profile, settings.profile));
  const bool isFirst = (*session)->rank() == 0;
  TENON_RETURN_IF_ERROR(writeAll(isFirst ? settings.outputDir : "", (*session)->outputs(), *outputs, result));
  result["arch"] = (*session)->arch();
  result["threads"] = (*session)->threads();
  result["ranks"] = (*session)->ranks();
  result["rank"] = (*session)->rank();
  return Status::success();
}

/// Over `ranks` processes that divide the batch as they turn out to be fast.
static Status executeDynamic(const RunSettings &settings, llvm::json::Object &result) {
  if (!settings.profile.empty())
    return Status::error("TN9003", "--profile with --schedule=dynamic", "", "profile with --schedule=static");
  if (runtime::detectTransport() != "threads")
    return Status::error("TN7021", "--schedule=dynamic has processes of its own", "",
                         "start it once, without mpirun; --ranks=N says how many processes it takes");
  runtime::DynamicSessionOptions options;
  options.session.arch = settings.arch;
  options.workers = unsigned(settings.ranks ? settings.ranks : runtime::cpuCores());
  if (settings.threads > 0)
    options.session.threads = int(std::max<int64_t>(1, settings.threads / options.workers));
  auto session = runtime::DynamicSession::create(settings.plan, options);
  if (!session)
    return session.takeStatus();
  auto tensors = readInputs(settings.inputs, (*session)->inputs());
  if (!tensors)
    return tensors.takeStatus();
  auto values = assembleValues(std::move(*tensors), (*session)->inputs());
  if (!values)
    return values.takeStatus();
  std::vector<runtime::Tensor> inputs;
  for (runtime::Value &value : *values)
    inputs.push_back(std::move(value.tensor));
  auto results = (*session)->run(inputs);
  if (!results)
    return results.takeStatus();
  const std::vector<runtime::Value> outputs(results->begin(), results->end());
  TENON_RETURN_IF_ERROR(writeAll(settings.outputDir, (*session)->outputs(), outputs, result));
  llvm::json::Array workers;
  for (const runtime::DynamicStatistics::Worker &worker : (*session)->statistics().workers)
    workers.push_back(llvm::json::Object{{"samples", worker.samples},
                                         {"pieces", worker.pieces},
                                         {"samples_per_s", worker.rate},
                                         {"lost", worker.isLost}});
  result["workers"] = std::move(workers);
  result["rank"] = 0;
  return Status::success();
}

/// "float32 2x3 -> FILE" and the end of the line.
static void printTensor(const llvm::json::Object &entry, llvm::StringRef indent = "") {
  llvm::SmallVector<int64_t> dims;
  for (const llvm::json::Value &dim : *entry.getArray("dims"))
    dims.push_back(*dim.getAsInteger());
  llvm::outs() << indent << *entry.getString("type") << ' ' << formatDims(dims);
  if (auto file = entry.getString("file"))
    llvm::outs() << " -> " << *file;
  llvm::outs() << '\n';
}

static void print(const llvm::json::Object &result) {
  for (const llvm::json::Value &value : *result.getArray("outputs")) {
    const llvm::json::Object &entry = *value.getAsObject();
    llvm::outs() << printable(*entry.getString("name")) << ": ";
    if (const llvm::json::Array *elements = entry.getArray("elements")) {
      llvm::outs() << "a sequence of " << elements->size() << '\n';
      for (const llvm::json::Value &element : *elements)
        printTensor(*element.getAsObject(), "  ");
    } else if (entry.get("type")) {
      printTensor(entry);
    } else {
      llvm::outs() << "an empty optional\n";
    }
  }
}

int tools::runRun(Arguments arguments) {
  RunSettings settings;
  Report report;
  CommandLine line("run", "MODEL.tenon", "Runs a compiled model once, on tensors in .npy files.");
  line.texts("input", "NAME=FILE.npy", "an input that `tenon inspect` lists; of a sequence, repeat it for each element",
             settings.inputs);
  line.text("output-dir", "DIR",
            "where outputs go, as DIR/<name>.npy, odd bytes percent-encoded; of a sequence as DIR/<name>_0.npy, ..",
            settings.outputDir);
  line.number("threads", "threads; 0 = all cores, default: as compiled", settings.threads, 0, 4096);
  line.number(
      "ranks",
      "how many ranks the plan is to have; another plan is refused. With --schedule=dynamic: how many processes, "
      "default one for each core",
      settings.ranks, 1, 4096);
  line.choice("schedule", {"static", "dynamic"},
              "dynamic: processes divide the batch as they turn out to be fast; for plans without ranks",
              settings.schedule);
  line.text("transport", "threads|mpi",
            "ranks as threads, or this process as one of mpirun's; default: as it was started", settings.transport);
  line.text("arch", "ARCH", "forces a code object, such as x86-64-v3", settings.arch);
  line.text("profile", "FILE.json", "write the times of all kernels as a Chrome trace", settings.profile);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.plan = line.operand();
  llvm::json::Object result;
  const bool isDynamic = settings.schedule == "dynamic";
  if (Status done = isDynamic ? executeDynamic(settings, result) : execute(settings, result); !done.ok())
    return report.fail(done);
  if (result.getInteger("rank").value_or(0) > 0) // the first rank speaks for all
    return ExitOk;
  if (!report.json())
    print(result);
  return report.finish(std::move(result));
}
