//===- Compress.cpp - Smaller and faster models ----------------------------===//
#include "tenon/Compress/Compress.h"

#include "Stages.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Pipelines/Pipelines.h"
#include "tenon/Transforms/CompressPasses.h"
#include "tenon/Transforms/Passes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

Job::Job(ModuleOp module, const Options &options, const Environment &environment, Result &result)
    : module(module), function(*module.getOps<func::FuncOp>().begin()), options(options), dataset(environment.dataset),
      environment(environment), compile(environment.compile ? *environment.compile : CompileOptions()), result(result) {
}

LogicalResult Job::merge() {
  if (!options.merges)
    return success();
  auto count = [&] { return std::distance(function.getBody().front().begin(), function.getBody().front().end()); };
  const auto before = count();
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  OpPassManager &passes = manager.nest<func::FuncOp>();
  passes.addPass(createMergeLinear({/*parallel=*/true}));
  passes.addPass(createFoldConstants());
  passes.addPass(createCSEPass());
  if (failed(runSerially(manager, module)))
    return failure();
  result.isChanged |= count() != before;
  return success();
}

FailureOr<Observations> Job::observe(const std::vector<Layer> &layers, bool histograms, bool moments) {
  Observations seen;
  std::vector<WatchRequest> requests;
  llvm::MapVector<std::pair<Value, Operation *>, size_t> known;
  for (const Layer &layer : layers) {
    Operation *window = layer.isConv() ? layer.op : nullptr;
    auto [place, isNew] = known.insert({{layer.input(), window}, requests.size()});
    seen.places.push_back(place->second);
    if (!isNew)
      continue;
    WatchRequest request{layer.input()};
    request.histogram = histograms;
    request.channelAxis = layer.isConv() && !cast<ConvOp>(layer.op).getChannelsLast() ? 1 : -1;
    request.gram = moments;
    request.window = moments ? window : nullptr;
    requests.push_back(request);
  }
  CalibrationOptions calibration;
  if (environment.progress)
    calibration.progress = [&](int64_t samples) {
      environment.progress("calibrating", double(samples) / double(std::max<int64_t>(options.samples, samples)));
    };
  auto found = calibrate(module, requests, *dataset, calibration);
  if (failed(found))
    return failure();
  result.samples = found->samples;
  seen.values = std::move(found->values);
  return seen;
}

void Job::note(const Layer &layer, StringRef method, int64_t bytes, double error) {
  const StringRef op = layer.isConv() ? "conv" : "matmul";
  result.isChanged = true;
  error = std::isfinite(error) ? error : -1;
  auto known = llvm::find_if(result.layers, [&](const LayerResult &r) { return r.node == layer.name && r.op == op; });
  if (known == result.layers.end()) {
    result.layers.push_back({layer.name, op.str(), method.str(), layer.elements(), layer.elements() * 4, bytes, error});
    return;
  }
  known->method += ", " + method.str();
  known->bytesAfter = bytes;
  // Steps after each other: as if their errors had nothing to do with one another.
  known->error = known->error < 0 || error < 0 ? std::max(known->error, error) : std::hypot(known->error, error);
}

/// What of the options says nothing about this model.
void Job::noteUnused() {
  for (const std::string &pattern : options.keep)
    if (llvm::none_of(function.getBody().front(),
                      [&](Operation &op) { return matchesAny(pattern, nodeOf(op.getLoc())); }))
      result.notes.push_back("no node matches --keep=" + pattern);
}

LogicalResult Job::run() {
  noteUnused();
  for (auto stage : {&Job::merge, &Job::pruneChannels, &Job::factor, &Job::pruneWeights, &Job::quantize, &Job::protect})
    if (failed((this->*stage)()))
      return failure();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isOpTriviallyDead(&op)) // constants that have a smaller form now
      op.erase();
  return success();
}

int64_t countWeightBytes(ModuleOp module) {
  int64_t bytes = 0;
  llvm::DenseSet<Attribute> counted; // what is shared is stored once
  module.walk([&](ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    if (counted.insert(op.getValue()).second)
      bytes += int64_t(llvm::divideCeil(uint64_t(type.getNumElements()) * type.getElementTypeBitWidth(), 8));
  });
  return bytes;
}

FailureOr<Result> compressModule(ModuleOp simplified, const Options &options, const Environment &environment) {
  auto refuse = [&](const char *reason, const char *remedy) {
    InFlightDiagnostic error = emitError(UnknownLoc::get(simplified.getContext()));
    error << reason;
    error.attachNote() << "remedy: " << remedy;
    return failure();
  };
  auto functions = llvm::to_vector(simplified.getOps<func::FuncOp>());
  if (functions.size() != 1 || !functions.front().getBody().hasOneBlock())
    return refuse("TN3102: a model with branches or loops that a run decides cannot be compressed",
                  "compile it without --quantize, --prune and --low-rank");
  if (options.needsData() && !environment.dataset)
    return refuse("TN3101: what is asked for needs data to calibrate with", "add --calibration=FILE.npz or a folder");
  Result result;
  result.bytesBefore = countWeightBytes(simplified);
  if (failed(Job(simplified, options, environment, result).run()))
    return failure();
  result.bytesAfter = countWeightBytes(simplified);
  return result;
}

} // namespace tenon::compress
