//===- Calibration.cpp - What values of a model are like on data ----------===//
#include "tenon/Compress/Calibration.h"

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "tenon/Pipelines/Compiler.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Runtime/CpuInfo.h"
#include "tenon/Runtime/Session.h"
#include "tenon/Support/Pages.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include <atomic>
#include <thread>

using namespace mlir;
using namespace tenon;
using namespace tenon::compress;
using runtime::Tensor;

static constexpr llvm::StringLiteral nameAttr = "graph.name";

static LogicalResult emit(Location loc, const Status &status) {
  const ErrorInfo &error = status.error();
  InFlightDiagnostic diagnostic = emitError(loc);
  diagnostic << error.code << ": " << error.message;
  if (!error.remedy.empty())
    diagnostic.attachNote() << "remedy: " << error.remedy;
  return diagnostic;
}

static LogicalResult refuse(Location loc, const Twine &why, StringRef remedy) {
  return emit(loc, Status::error("TN9056", "the model cannot be calibrated: " + why.str(), "", remedy.str()));
}

static func::FuncOp findMain(ModuleOp module) { return module.lookupSymbol<func::FuncOp>("main"); }

std::vector<runtime::TensorInfo> compress::describeInputs(ModuleOp module) {
  std::vector<runtime::TensorInfo> inputs;
  func::FuncOp function = findMain(module);
  if (!function)
    return inputs;
  for (BlockArgument argument : function.getArguments()) {
    runtime::TensorInfo &info = inputs.emplace_back();
    if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), nameAttr))
      info.name = name.str();
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    auto element = type ? reference::getElementType(type.getElementType()) : std::nullopt;
    info.isRanked = element.has_value();
    if (!element)
      continue;
    info.type = *element;
    for (graph::DimAttr dim : graph::getDims(type)) {
      info.dims.push_back(dim.getConstant().value_or(-1));
      info.dimNames.push_back(dim.isSymbol() ? dim.getName().str() : "");
    }
  }
  return inputs;
}

//===----------------------------------------------------------------------===//
// The instrumented model
//===----------------------------------------------------------------------===//

namespace {

/// Where a watched value is in a run.
struct Source {
  bool isInput = false;
  unsigned index = 0; ///< among the inputs, or the outputs
};

/// A plan that also returns the watched values.
struct Instrumented {
  std::unique_ptr<runtime::Session> session;
  SmallVector<Source> sources; ///< of each request
};

} // namespace

static LogicalResult checkRequest(const WatchRequest &request, func::FuncOp function) {
  Location loc = request.value.getLoc();
  auto type = dyn_cast<RankedTensorType>(request.value.getType());
  if (!type || !reference::getElementType(type.getElementType()))
    return refuse(loc, "a watched value is no tensor of numbers", "watch other values");
  if (Value(request.value).getParentBlock() != &function.getBody().front())
    return refuse(loc, "a watched value is inside of another operation", "calibrate the simplified model");
  if (request.channelAxis && (*request.channelAxis < -type.getRank() || *request.channelAxis >= type.getRank()))
    return refuse(loc, "there is no axis " + Twine(*request.channelAxis), "give an axis of the value");
  if (request.gram && !request.window && type.getRank() == 0)
    return refuse(loc, "a scalar has no rows", "watch other values");
  return success();
}

/// Adds the watched values to the results of a clone.
static OwningOpRef<ModuleOp> instrument(ModuleOp module, ArrayRef<WatchRequest> watched,
                                        SmallVectorImpl<Source> &sources) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> clone = cast<ModuleOp>(module->clone(mapping));
  func::FuncOp function = findMain(*clone);
  Operation *terminator = function.getBody().front().getTerminator();
  SmallVector<Value> results(terminator->getOperands());
  const size_t own = results.size();
  for (const WatchRequest &request : watched) {
    Value value = mapping.lookup(request.value);
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      sources.push_back({true, argument.getArgNumber()});
      continue;
    }
    auto it = llvm::find(results, value);
    sources.push_back({false, unsigned(it - results.begin())});
    if (it == results.end())
      results.push_back(value);
  }
  terminator->setOperands(results);
  auto types = llvm::map_to_vector(results, [](Value value) { return value.getType(); });
  function.setType(FunctionType::get(module.getContext(), function.getArgumentTypes(), types));
  SmallVector<Attribute> attributes;
  if (ArrayAttr before = function.getAllResultAttrs())
    llvm::append_range(attributes, before);
  Builder b(module.getContext());
  attributes.resize(own, b.getDictionaryAttr({}));
  for (size_t i = own; i < results.size(); ++i)
    attributes.push_back(
        b.getDictionaryAttr(b.getNamedAttr(nameAttr, b.getStringAttr("tenon.watched." + std::to_string(i - own)))));
  function.setAllResultAttrs(attributes);
  return clone;
}

/// The best of the target's architectures that this machine runs: the plan is for now and here.
static std::vector<std::string> chooseArch() {
  for (const char *arch : {"x86-64-v4", "x86-64-v3"})
    if (runtime::cpuSupports(arch))
      return {arch};
  return {};
}

static FailureOr<Instrumented> makeSession(ModuleOp module, ArrayRef<WatchRequest> watched,
                                           const CalibrationOptions &options) {
  Instrumented result;
  OwningOpRef<ModuleOp> clone = instrument(module, watched, result.sources);
  SmallString<128> path;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("tenon-calibration", "tenon", path))
    return emit(module.getLoc(), Status::error("TN9015", "cannot make a temporary file: " + error.message(), "",
                                               "set TMPDIR to a folder that is writable and has space"));
  CompileOptions compile;
  compile.archs = chooseArch();
  compile.threads = options.threads;
  const bool isCompiled = succeeded(compileModule(std::move(clone), path, compile));
  auto session = isCompiled ? runtime::Session::create(std::string(path),
                                                       {.threads = int(options.threads), .verifyWeights = false})
                            : Expected<std::unique_ptr<runtime::Session>>(Status::success());
  llvm::sys::fs::remove(path); // what is mapped stays
  if (!isCompiled)
    return failure();
  if (!session)
    return emit(module.getLoc(), session.status());
  result.session = std::move(*session);
  return result;
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

void ValueStatistics::merge(const ValueStatistics &other) {
  nonFinite += other.nonFinite;
  histogram.merge(other.histogram);
  if (channels.size() == 0) {
    channels = other.channels;
  } else if (other.channels.size() != 0) {
    for (size_t i = 0; i < channels.size(); ++i) {
      channels.count[i] += other.channels.count[i];
      channels.min[i] = std::min(channels.min[i], other.channels.min[i]);
      channels.max[i] = std::max(channels.max[i], other.channels.max[i]);
      channels.sum[i] += other.channels.sum[i];
      channels.squares[i] += other.channels.squares[i];
      channels.magnitudes[i] += other.channels.magnitudes[i];
    }
  }
  if (grams.empty())
    grams = other.grams;
  else
    for (auto [mine, theirs] : llvm::zip(grams, other.grams))
      mine.merge(theirs);
}

/// The elements of a tensor as f32, converted into `scratch` where they are of another type.
static std::span<const float> getFloats(const Tensor &tensor, std::vector<float> &scratch) {
  const auto count = size_t(tensor.elements());
  if (tensor.type == ElementType::F32)
    return {tensor.as<float>(), count};
  scratch.resize(count);
  for (size_t i = 0; i < count; ++i)
    scratch[i] = float(reference::loadDouble(tensor.type, tensor.as<char>(), int64_t(i)));
  return scratch;
}

static bool isFinite(float x) { return std::fabs(x) <= std::numeric_limits<float>::max(); }

static void addChannels(ChannelStatistics &channels, std::span<const float> values, ArrayRef<int64_t> dims,
                        int64_t axis) {
  axis = axis < 0 ? axis + int64_t(dims.size()) : axis;
  const auto extent = size_t(dims[axis]);
  const auto inner = size_t(llvm::product_of(dims.drop_front(axis + 1)));
  if (channels.size() == 0) {
    channels.min.assign(extent, std::numeric_limits<float>::infinity());
    channels.max.assign(extent, -std::numeric_limits<float>::infinity());
    channels.count.resize(extent), channels.sum.resize(extent);
    channels.squares.resize(extent), channels.magnitudes.resize(extent);
  }
  if (channels.size() != extent || values.empty())
    return;
  for (size_t outer = 0; outer < values.size(); outer += extent * inner)
    for (size_t c = 0; c < extent; ++c) {
      const float *at = values.data() + outer + c * inner;
      float low = channels.min[c], high = channels.max[c];
      int64_t count = 0;
      double sum = 0, squares = 0, magnitudes = 0;
      for (size_t i = 0; i < inner; ++i) {
        const float x = at[i];
        if (!isFinite(x))
          continue;
        ++count;
        low = x < low ? x : low, high = x > high ? x : high;
        sum += x, squares += double(x) * x, magnitudes += std::fabs(x);
      }
      channels.count[c] += count;
      channels.min[c] = low, channels.max[c] = high;
      channels.sum[c] += sum, channels.squares[c] += squares, channels.magnitudes[c] += magnitudes;
    }
}

static Window getWindow(graph::ConvOp conv) {
  auto list = [](ArrayRef<int64_t> values) { return std::vector<int64_t>(values.begin(), values.end()); };
  auto weights = cast<RankedTensorType>(conv.getW().getType());
  return {list(weights.getShape().drop_front(2)), list(conv.getStrides()), list(conv.getPads()),
          list(conv.getDilations()), int64_t(conv.getGroup())};
}

static void addGrams(std::vector<GramMatrix> &grams, const WatchRequest &request, std::span<const float> values,
                     ArrayRef<int64_t> dims) {
  if (auto conv = dyn_cast_or_null<graph::ConvOp>(request.window)) {
    const Window window = getWindow(conv);
    const int64_t depth = dims[1] / window.groups * llvm::product_of(window.kernel);
    if (grams.empty())
      grams.assign(size_t(window.groups), GramMatrix(depth));
    addPatches(grams, values.data(), {dims.data(), dims.size()}, window);
    return;
  }
  const int64_t depth = dims.back();
  if (grams.empty())
    grams.emplace_back(depth);
  if (depth != 0 && grams[0].depth() == depth)
    grams[0].add(values.data(), int64_t(values.size()) / depth, depth);
}

//===----------------------------------------------------------------------===//
// The pass over the data
//===----------------------------------------------------------------------===//

namespace {

class Calibrator {
public:
  Calibrator(ModuleOp module, ArrayRef<WatchRequest> watched, data::Dataset &dataset, const CalibrationOptions &options)
      : loc(module.getLoc()), watched(watched), dataset(dataset), options(options) {
    result.values.resize(watched.size());
  }

  FailureOr<CalibrationResult> run(ModuleOp module) {
    auto made = makeSession(module, watched, options);
    if (failed(made))
      return failure();
    instrumented = std::move(*made);
    releaseIdlePages(); // of the compiler
    dataset.rewind();
    dataset.limitBatch(1);
    llvm::scope_exit restore([&] { dataset.limitBatch(0); });
    while (true) {
      auto batch = dataset.next();
      if (!batch)
        return emit(loc, batch.status());
      if (!*batch)
        break;
      if (failed(runBatch(**batch)))
        return failure();
    }
    if (result.samples == 0)
      return emit(loc, Status::error("TN9057", "the data set for calibration holds no samples", "",
                                     "give data; `tenon data inspect` lists what is in them"));
    llvm::DenseSet<Value> counted;
    for (auto [request, statistics] : llvm::zip(watched, result.values))
      if (counted.insert(request.value).second)
        result.nonFinite += statistics.nonFinite;
    return std::move(result);
  }

private:
  LogicalResult runBatch(const data::Batch &batch) {
    auto outputs = instrumented.session->run(batch.inputs);
    if (!outputs)
      return emit(loc, outputs.status());
    SmallVector<Tensor> tensors;
    for (const Source &source : instrumented.sources)
      tensors.push_back(source.isInput ? batch.inputs[source.index].tensor : (*outputs)[source.index]);
    gather(tensors);
    if (result.samples == 0)
      limitBatch(*outputs, batch.samples);
    result.samples += batch.samples;
    ++result.batches;
    if (options.progress)
      options.progress(result.samples);
    Status observed = options.observer ? options.observer(batch, tensors) : Status::success();
    return observed.ok() ? success() : emit(loc, observed);
  }

  /// The first batch tells what a sample needs: more are run at once as far as that is little.
  void limitBatch(ArrayRef<Tensor> outputs, int64_t samples) {
    constexpr int64_t wanted = 32 << 20;
    int64_t bytes = 0;
    for (const Tensor &tensor : outputs)
      bytes += tensor.bytes();
    dataset.limitBatch(std::max<int64_t>(wanted / std::max<int64_t>(bytes / std::max<int64_t>(samples, 1), 1), 1));
  }

  /// Requests side by side on all threads.
  void gather(ArrayRef<Tensor> tensors) {
    std::atomic<size_t> next = 0;
    auto work = [&] {
      std::vector<float> scratch;
      for (size_t i = next++; i < watched.size(); i = next++)
        gather(watched[i], tensors[i], result.values[i], scratch);
    };
    const size_t count = options.threads ? options.threads : runtime::cpuCores();
    std::vector<std::thread> threads;
    for (size_t i = 1; i < std::min(count, watched.size()); ++i)
      threads.emplace_back(work);
    work();
    for (std::thread &thread : threads)
      thread.join();
  }

  static void gather(const WatchRequest &request, const Tensor &tensor, ValueStatistics &statistics,
                     std::vector<float> &scratch) {
    const std::span<const float> values = getFloats(tensor, scratch);
    statistics.nonFinite += llvm::count_if(values, [](float x) { return !isFinite(x); });
    if (request.histogram)
      statistics.histogram.add(values);
    if (request.channelAxis)
      addChannels(statistics.channels, values, tensor.dims, *request.channelAxis);
    if (request.gram)
      addGrams(statistics.grams, request, values, tensor.dims);
  }

  Location loc;
  ArrayRef<WatchRequest> watched;
  data::Dataset &dataset;
  const CalibrationOptions &options;
  Instrumented instrumented;
  CalibrationResult result;
};

} // namespace

FailureOr<CalibrationResult> compress::calibrate(ModuleOp simplified, ArrayRef<WatchRequest> watched,
                                                 data::Dataset &dataset, const CalibrationOptions &options) {
  func::FuncOp function = findMain(simplified);
  if (!function || !llvm::hasSingleElement(simplified.getOps<func::FuncOp>()))
    return refuse(simplified.getLoc(), "it has control flow that only a run decides",
                  "compress without data: --quantize=int8-dynamic, or int4");
  for (const WatchRequest &request : watched)
    if (failed(checkRequest(request, function)))
      return failure();
  return Calibrator(simplified, watched, dataset, options).run(simplified);
}
