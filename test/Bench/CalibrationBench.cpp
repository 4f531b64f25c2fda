//===- CalibrationBench.cpp - Time and memory of calibration ---------------===//
//
//   calibration-bench MODEL.onnx DATA [BATCH] [gram]
//
// Calibrates the operands of all products and convolutions, chooses a range for each by every method, and prints what
// that took as JSON: seconds of each part, and the largest resident memory of the process.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Compress/Calibration.h"
#include "tenon/Pipelines/Compiler.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include <chrono>
#include <cstdlib>
#include <fstream>

using namespace mlir;
using namespace tenon;
using namespace tenon::compress;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of this program: getrusage counts what the process was before it became this one, too.
static int64_t peakBytes() {
  std::ifstream status("/proc/self/status");
  int64_t kilobytes = 0;
  for (std::string line; std::getline(status, line);)
    if (StringRef rest = line; rest.consume_front("VmHWM:"))
      rest.ltrim().consumeInteger(10, kilobytes);
  return kilobytes * 1024;
}

static std::vector<WatchRequest> watchLayers(ModuleOp module, bool grams) {
  std::vector<WatchRequest> watched;
  module.walk([&](Operation *op) {
    if (!isa<graph::MatMulOp, graph::ConvOp>(op) || !op->getOperand(1).getDefiningOp<graph::ConstantOp>())
      return;
    WatchRequest request{op->getOperand(0)};
    request.channelAxis = isa<graph::ConvOp>(op) ? 1 : -1;
    request.gram = grams;
    request.window = isa<graph::ConvOp>(op) ? op : nullptr;
    watched.push_back(request);
  });
  return watched;
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  const double start = seconds();
  MLIRContext context;
  CompileOptions compile;
  OwningOpRef<ModuleOp> module = importModel(argv[1], compile, context);
  if (!module)
    return 1;
  llvm::json::Object report{{"import_s", seconds() - start}, {"import_peak", peakBytes()}};
  data::DatasetOptions options;
  options.batch = argc > 3 ? std::atoll(argv[3]) : 1;
  auto dataset = data::openDataset(argv[2], describeInputs(*module), options);
  if (!dataset) {
    llvm::errs() << dataset.status().str() << '\n';
    return 1;
  }
  const std::vector<WatchRequest> watched = watchLayers(*module, argc > 4 && StringRef(argv[4]) == "gram");
  const double before = seconds();
  double compiled = 0;
  CalibrationOptions calibration;
  calibration.progress = [&](int64_t) { compiled = compiled ? compiled : seconds(); };
  auto found = calibrate(*module, watched, **dataset, calibration);
  if (failed(found))
    return 1;
  const double done = seconds();
  double sum = 0; // so that nothing is left out
  for (const ValueStatistics &value : found->values)
    for (auto method : {RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::Entropy, RangeMethod::MeanSquare})
      sum += chooseRange(value.histogram, {method}).high;
  uint64_t modelBytes = 0;
  if (llvm::sys::fs::file_size(argv[1], modelBytes))
    return 1;
  report["to_first_batch_s"] = compiled - before;
  report["other_batches_s"] = done - compiled;
  report["ranges_s"] = seconds() - done;
  report["watched"] = int64_t(watched.size());
  report["samples"] = found->samples;
  report["batches"] = found->batches;
  report["sum_of_ends"] = sum;
  report["model_bytes"] = int64_t(modelBytes);
  report["peak_bytes"] = peakBytes();
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(report))) << '\n';
  return 0;
}
