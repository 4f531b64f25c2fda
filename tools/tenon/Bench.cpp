//===- Bench.cpp - tenon bench --------------------------------------------===//
#include "Commands.h"
#include "common/Codes.h"
#include "common/Inputs.h"
#include "common/Report.h"
#include "common/Values.h"
#include "tenon/Runtime/Session.h"
#include "llvm/Support/FormatVariadic.h"
#include <chrono>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
struct BenchSettings {
  std::string plan, arch;
  std::vector<std::string> inputs, shapes;
  int64_t threads = -1, warmUp = 5, iterations = 20, seed = 0;
};

/// One kernel over all its launches of a run; times in ns, the median over runs.
struct KernelTime {
  std::string name, nodes;
  int64_t launches = 0, flops = 0, traffic = 0;
  bool counted = true; ///< flops of all launches are known
  double nanoseconds = 0;
};
} // namespace

/// The q-quantile of sorted times, by the nearest rank.
static double quantile(const std::vector<double> &sorted, double q) {
  return sorted[size_t(q * double(sorted.size() - 1) + 0.5)];
}

static Status timeRuns(runtime::Session &session, const std::vector<runtime::Value> &inputs, int64_t count,
                       std::vector<double> *milliseconds) {
  for (int64_t i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    auto outputs = session.runValues(inputs);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (!outputs)
      return outputs.takeStatus();
    if (milliseconds)
      milliseconds->push_back(elapsed.count());
  }
  return Status::success();
}

/// Runs with the profile on, and takes the median time of each record.
static Status timeKernels(runtime::Session &session, const std::vector<runtime::Value> &inputs, int64_t count,
                          std::vector<KernelTime> &kernels) {
  runtime::Profile profile;
  std::vector<std::vector<double>> times;
  for (int64_t i = 0; i < count; ++i) {
    profile = {};
    runtime::RunOptions options;
    options.profile = &profile;
    if (auto outputs = session.runValues(inputs, options); !outputs)
      return outputs.takeStatus();
    times.resize(profile.events.size());
    for (size_t k = 0; k < times.size(); ++k)
      times[k].push_back(double(profile.events[k].duration));
  }
  std::map<std::string, size_t> index;
  for (size_t k = 0; k < times.size(); ++k) {
    llvm::sort(times[k]);
    const runtime::ProfileEvent &event = profile.events[k];
    auto [found, isNew] = index.try_emplace(event.name, kernels.size());
    if (isNew)
      kernels.push_back({event.name, llvm::join(event.nodes, ", ")});
    KernelTime &kernel = kernels[found->second];
    kernel.launches += 1;
    kernel.flops += std::max<int64_t>(event.flops, 0);
    kernel.traffic += std::max<int64_t>(event.traffic, 0);
    kernel.counted &= event.flops >= 0;
    kernel.nanoseconds += quantile(times[k], 0.5);
  }
  llvm::sort(kernels, [](const KernelTime &a, const KernelTime &b) {
    return std::tie(b.nanoseconds, a.name) < std::tie(a.nanoseconds, b.name);
  });
  return Status::success();
}

static json::Array toJson(const std::vector<KernelTime> &kernels) {
  json::Array list;
  for (const KernelTime &kernel : kernels) {
    const double time = std::max(kernel.nanoseconds, 1.0);
    list.push_back(json::Object{{"name", json::fixUTF8(kernel.name)},
                                {"launches", kernel.launches},
                                {"ms", kernel.nanoseconds * 1e-6},
                                {"gflops", double(kernel.flops) / time},
                                {"gbytes", double(kernel.traffic) / time},
                                {"nodes", json::fixUTF8(kernel.nodes)}});
  }
  return list;
}

static void print(const json::Object &result) {
  llvm::outs() << llvm::formatv("median {0:F3} ms, p10 {1:F3} ms, p90 {2:F3} ms  ({3} threads, {4}, {5} runs)\n",
                                *result.getNumber("median_ms"), *result.getNumber("p10_ms"),
                                *result.getNumber("p90_ms"), *result.getInteger("threads"), *result.getString("arch"),
                                *result.getInteger("iterations"));
  llvm::outs() << llvm::formatv("{0,10} {1,8} {2,8} {3,8} {4,6}  {5}\n", "ms", "share", "GFLOP/s", "GB/s", "calls",
                                "kernel: nodes");
  double total = 0;
  for (const json::Value &value : *result.getArray("kernels"))
    total += *value.getAsObject()->getNumber("ms");
  for (const json::Value &value : *result.getArray("kernels")) {
    const json::Object &kernel = *value.getAsObject();
    std::string nodes = printable(*kernel.getString("nodes"));
    if (nodes.size() > 60)
      nodes = nodes.substr(0, 57) + "...";
    llvm::outs() << llvm::formatv("{0,10:F3} {1,7:F1}% {2,8:F1} {3,8:F1} {4,6}  {5}: {6}\n", *kernel.getNumber("ms"),
                                  *kernel.getNumber("ms") / std::max(total, 1e-9) * 100, *kernel.getNumber("gflops"),
                                  *kernel.getNumber("gbytes"), *kernel.getInteger("launches"),
                                  printable(*kernel.getString("name")), nodes);
  }
}

static Status measure(const BenchSettings &settings, const ShapeSet &shapes, json::Object &result) {
  runtime::SessionOptions options;
  options.threads = int(settings.threads);
  options.arch = settings.arch;
  auto session = runtime::Session::create(settings.plan, options);
  if (!session)
    return session.takeStatus();
  auto given = readInputs(settings.inputs, (*session)->inputs());
  if (!given)
    return given.takeStatus();
  // A plan does not say which inputs are indices: all integers are 0 or 1, which every table has.
  auto inputs = completeInputs(std::move(*given), (*session)->inputs(), shapes, uint64_t(settings.seed));
  if (!inputs)
    return inputs.takeStatus();
  json::Object at;
  for (const runtime::NamedTensor &input : *inputs)
    at[json::fixUTF8(input.name)] = json::Array(input.tensor.dims);
  auto values = assembleValues(std::move(*inputs), (*session)->inputs());
  if (!values)
    return values.takeStatus();
  std::vector<double> times;
  std::vector<KernelTime> kernels;
  TENON_RETURN_IF_ERROR(timeRuns(**session, *values, settings.warmUp, nullptr));
  TENON_RETURN_IF_ERROR(timeRuns(**session, *values, settings.iterations, &times));
  TENON_RETURN_IF_ERROR(timeKernels(**session, *values, std::min<int64_t>(settings.iterations, 5), kernels));
  llvm::sort(times);
  result = json::Object{{"median_ms", quantile(times, 0.5)}, {"p10_ms", quantile(times, 0.1)},
                        {"p90_ms", quantile(times, 0.9)},    {"iterations", settings.iterations},
                        {"warm_up", settings.warmUp},        {"threads", int64_t((*session)->threads())},
                        {"arch", (*session)->arch()},        {"shapes", std::move(at)},
                        {"kernels", toJson(kernels)}};
  return Status::success();
}

int tools::runBench(Arguments arguments) {
  BenchSettings settings;
  Report report;
  CommandLine line("bench", "MODEL.tenon", "Times a compiled model: median, 10 % and 90 % quantiles, and each kernel.");
  line.texts("input", "NAME=FILE.npy", "an input; the others are drawn", settings.inputs);
  line.texts("shape", "NAME=1x3x224x224", "extents of an input that is drawn", settings.shapes);
  line.number("seed", "of the drawn inputs; default 0", settings.seed, 0, INT64_MAX);
  line.number("threads", "threads; 0 = all cores, default: as compiled", settings.threads, 0, 4096);
  line.text("arch", "ARCH", "forces a code object, such as x86-64-v3", settings.arch);
  line.number("warm-up", "runs before timing; default 5", settings.warmUp, 0, 1000000);
  line.number("iterations", "timed runs; default 20", settings.iterations, 1, 1000000);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  settings.plan = line.operand();
  auto sets = parseShapeSets(settings.shapes);
  if (!sets)
    return report.fail(sets.takeStatus());
  if (sets->size() > 1)
    return report.fail(Status::error("TN9003", "--shape is given twice for one input"));
  json::Object result;
  if (Status done = measure(settings, sets->front(), result); !done.ok())
    return report.fail(done);
  if (!report.json())
    print(result);
  return report.finish(std::move(result));
}
