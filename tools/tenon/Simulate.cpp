//===- Simulate.cpp - tenon simulate --------------------------------------===//
//
// Adds predictions to the rows of a table, in their order; or, with --fit, finds the constants of a cluster from what
// tables of steps measured. A prediction reads no measured column.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "TrainingTable.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
struct SimulateSettings {
  std::vector<std::string> tables;
  std::string devices, output;
  bool isFit = false;
};
} // namespace

static Expected<TrainingTable> readTable(const std::string &path) {
  constexpr uint64_t maxBytes = 64 << 20;
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return Status::error("TN9042", "'" + path + "' cannot be read: " + file.getError().message());
  if ((*file)->getBufferSize() > maxBytes)
    return Status::error("TN9042", "'" + path + "' is longer than 64 MiB");
  return parseTable((*file)->getBuffer());
}

static Status write(const std::string &path, llvm::function_ref<void(llvm::raw_ostream &)> writer) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_None);
  if (code)
    return Status::error("TN9010", "cannot write '" + path + "': " + code.message());
  writer(file.os());
  file.os().flush();
  if (file.os().has_error())
    return Status::error("TN9010", "cannot write '" + path + "': " + file.os().error().message());
  file.keep();
  return Status::success();
}

static Status fit(const SimulateSettings &settings, cost::Cluster cluster, json::Object &result) {
  std::vector<partition::MeasuredStep> steps;
  for (const std::string &path : settings.tables) {
    auto table = readTable(path);
    if (!table)
      return table.takeStatus();
    auto measured = measuredSteps(*table);
    if (!measured)
      return measured.takeStatus();
    steps.insert(steps.end(), measured->begin(), measured->end());
  }
  cluster.constants = partition::fitConstants(cluster, steps);
  json::Object constants;
  for (const cost::ConstantName &name : cost::constantNames())
    constants[name.name] = cluster.constants.*name.member;
  result = json::Object{{"steps", int64_t(steps.size())}, {"constants", json::Object(constants)}};
  return write(settings.output, [&](llvm::raw_ostream &out) {
    out << llvm::formatv("{0:2}\n", json::Value(json::Object{{"constants", std::move(constants)}}));
  });
}

static Status predict(const SimulateSettings &settings, const cost::Cluster &cluster, json::Object &result) {
  auto table = readTable(settings.tables.front());
  if (!table)
    return table.takeStatus();
  auto predictions = predictTable(*table, cluster, !settings.devices.empty());
  if (!predictions)
    return predictions.takeStatus();
  result = json::Object{{"rows", int64_t(table->rows.size())}, {"output", json::fixUTF8(settings.output)}};
  return write(settings.output, [&](llvm::raw_ostream &out) {
    out << llvm::join(table->columns, ",") << ',' << llvm::join(predictions->columns, ",") << '\n';
    for (size_t i = 0; i < table->rows.size(); ++i)
      out << llvm::join(table->rows[i], ",") << ',' << llvm::join(predictions->rows[i], ",") << '\n';
  });
}

int tools::runSimulate(Arguments arguments) {
  SimulateSettings settings;
  Report report;
  CommandLine line("simulate", "",
                   "Predicts the time of every row of a table: training steps, collectives, or pipelines.");
  line.texts("table", "FILE.csv", "the table; with --fit any number of them", settings.tables);
  line.text("devices", "CLUSTER", "a cluster by name, or the file of one; default a100", settings.devices);
  line.text("o", "FILE", "what to write: the table with predictions, or constants as JSON", settings.output);
  line.flag("fit", "find the constants of the cluster from the measured columns", settings.isFit);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  if (settings.tables.empty() || settings.output.empty() || (settings.tables.size() > 1 && !settings.isFit))
    return report.fail(Status::error("TN9002", "`tenon simulate` takes --table=FILE.csv once, and -o FILE"));
  auto cluster = cost::findCluster(settings.devices.empty() ? "a100" : settings.devices);
  if (!cluster)
    return report.fail(cluster.takeStatus());
  json::Object result;
  if (Status done = settings.isFit ? fit(settings, *cluster, result) : predict(settings, *cluster, result); !done.ok())
    return report.fail(done);
  return report.finish(std::move(result));
}
