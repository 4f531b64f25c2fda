//===- Evaluate.cpp - What compression did to a model ----------------------===//
#include "tenon/Compress/Evaluate.h"

#include "tenon/Compress/Compress.h"

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Plan/Container.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Support/Pages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <chrono>
#include <cmath>

using namespace mlir;

namespace tenon::compress {

FailureOr<Trial> Trial::create(ModuleOp simplified, const CompileOptions &options) {
  CompileOptions plain = options;
  plain.compress = nullptr;
  plain.devices.clear();
  plain.pins.clear();
  plain.stopAfter.reset();
  plain.dumpPhases.clear();
  plain.progress = nullptr;
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("tenon-trial", "tenon", path))
    return emitError(UnknownLoc::get(simplified.getContext())) << "TN9015: no temporary file: " << code.message();
  Trial file;
  file.temporary = path.str().str();
  if (failed(compileModule(OwningOpRef<ModuleOp>(simplified.clone()), file.temporary, plain)))
    return failure();
  auto trial = open(file.temporary, plain);
  if (!trial)
    return emitStatus(UnknownLoc::get(simplified.getContext()), trial.status());
  trial->temporary = std::exchange(file.temporary, "");
  return std::move(*trial);
}

Expected<Trial> Trial::open(const std::string &plan, const CompileOptions &options) {
  auto session = runtime::Session::create(plan, {.threads = int(options.threads), .verifyWeights = false});
  if (!session)
    return session.takeStatus();
  Trial trial;
  trial.loaded = std::move(*session);
  trial.bytes = int64_t(trial.loaded->container().fileSize());
  return trial;
}

void Trial::rest() const {
  const std::span<const uint8_t> weights = loaded->container().section(plan::SectionKind::Weights);
  releaseFilePages({reinterpret_cast<const char *>(weights.data()), weights.size()});
}

Trial::Trial(Trial &&other) noexcept
    : loaded(std::move(other.loaded)), temporary(std::exchange(other.temporary, "")), bytes(other.bytes) {}

Trial &Trial::operator=(Trial &&other) noexcept {
  std::swap(loaded, other.loaded);
  std::swap(temporary, other.temporary);
  std::swap(bytes, other.bytes);
  return *this;
}

Trial::~Trial() {
  loaded.reset();
  if (!temporary.empty())
    llvm::sys::fs::remove(temporary);
}

double Comparison::loss() const {
  switch (metric) {
  case Metric::Labels:
    return 100 * (accuracyBefore - accuracyAfter);
  case Metric::Largest:
    return 100 * (1 - agreement);
  case Metric::Error:
    return 100 * error;
  }
  llvm_unreachable("every metric is above");
}

const char *Comparison::lossName() const {
  return metric == Metric::Labels    ? "accuracy"
         : metric == Metric::Largest ? "rows with another largest number"
                                     : "norm of the outputs";
}

std::vector<std::string> Comparison::warnings() const {
  std::vector<std::string> found;
  if (isSlower())
    found.push_back(llvm::formatv("the compressed model is slower on this machine: {0:F3} ms a run, {1:F3} ms before",
                                  secondsAfter * 1e3, secondsBefore * 1e3));
  if (!(loss() <= 1))
    found.push_back(llvm::formatv("accuracy: {0:F2} % of {1} was lost", loss(), lossName()));
  return found;
}

Metric chooseMetric(ModuleOp module) {
  auto functions = module.getOps<func::FuncOp>();
  if (functions.empty())
    return Metric::Error;
  Operation *end = (*functions.begin()).getBody().front().getTerminator();
  Value output = end->getNumOperands() ? end->getOperand(0) : Value();
  while (output && isa_and_nonnull<graph::ReshapeOp, graph::CastOp, graph::TransposeOp>(output.getDefiningOp()))
    output = output.getDefiningOp()->getOperand(0);
  return output && isa_and_nonnull<graph::SoftmaxOp>(output.getDefiningOp()) ? Metric::Largest : Metric::Error;
}

namespace {

/// Sums over the data, of one output.
struct OutputSums {
  double change = 0, energy = 0, cosines = 0;
  int64_t rows = 0, samples = 0, agreeing = 0;
};

struct Sums {
  std::vector<OutputSums> outputs;
  std::vector<double> before, after;
  int64_t samples = 0, labels = 0, metBefore = 0, metAfter = 0;
};

} // namespace

static bool isFloat(ElementType type) { return reference::isFloat(type); }

static double at(const runtime::Tensor &t, int64_t i) {
  return reference::loadDouble(t.type, static_cast<const char *>(t.data.get()), i);
}

/// Where the largest of `count` numbers from `first` on is; -1 where one of them is none.
static int64_t findLargest(const runtime::Tensor &t, int64_t first, int64_t count) {
  int64_t best = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isnan(at(t, first + i)))
      return -1;
    if (at(t, first + i) > at(t, first + best))
      best = i;
  }
  return best;
}

static void compareOutput(const runtime::Tensor &a, const runtime::Tensor &b, OutputSums &sums) {
  const int64_t count = a.elements(), samples = a.dims.empty() ? 1 : std::max<int64_t>(a.dims.front(), 1);
  for (int64_t s = 0; s < samples; ++s) {
    double aa = 0, bb = 0, ab = 0;
    for (int64_t i = s * (count / samples); i < (s + 1) * (count / samples); ++i) {
      const double x = at(a, i), y = at(b, i);
      aa += x * x;
      bb += y * y;
      ab += x * y;
      if (x == y || (std::isnan(x) && std::isnan(y)))
        continue; // infinities, too
      const double change = (x - y) * (x - y);
      sums.change += std::isfinite(change) ? change : std::numeric_limits<double>::infinity();
    }
    sums.energy += aa;
    const double cosine = aa == 0 && bb == 0 ? 1 : aa * bb > 0 ? ab / std::sqrt(aa * bb) : 0;
    sums.cosines += std::isfinite(cosine) ? cosine : 0;
    ++sums.samples;
  }
  const int64_t columns = a.dims.size() >= 2 ? a.dims.back() : 0;
  for (int64_t row = 0; columns > 1 && row < count / columns; ++row, ++sums.rows)
    sums.agreeing += findLargest(a, row * columns, columns) == findLargest(b, row * columns, columns);
}

/// The labels of a batch; null if it has none.
static const runtime::Tensor *findLabels(const data::Batch &batch, int64_t rows, int64_t columns) {
  for (const runtime::NamedTensor &target : batch.targets) {
    const runtime::Tensor &labels = target.tensor;
    if ((target.name != "label" && target.name != "labels") || isFloat(labels.type) || labels.elements() != rows)
      continue;
    const auto *bytes = static_cast<const char *>(labels.data.get());
    auto isPlace = [&](int64_t i) {
      const int64_t label = reference::loadInteger(labels.type, bytes, i);
      return label >= 0 && label < columns;
    };
    if (llvm::all_of(llvm::seq<int64_t>(rows), isPlace)) // else they mean something else
      return &labels;
  }
  return nullptr;
}

static void compareLabels(const data::Batch &batch, const runtime::Tensor &a, const runtime::Tensor &b, Sums &sums) {
  const int64_t columns = a.dims.size() == 2 ? a.dims.back() : 0;
  const runtime::Tensor *labels = columns > 1 ? findLabels(batch, a.dims.front(), columns) : nullptr;
  for (int64_t row = 0; labels && row < a.dims.front(); ++row, ++sums.labels) {
    const int64_t label = reference::loadInteger(labels->type, static_cast<const char *>(labels->data.get()), row);
    sums.metBefore += findLargest(a, row * columns, columns) == label;
    sums.metAfter += findLargest(b, row * columns, columns) == label;
  }
}

static Expected<std::vector<runtime::Tensor>> runTimed(Trial &trial, const data::Batch &batch,
                                                       std::vector<double> &seconds) {
  const auto start = std::chrono::steady_clock::now();
  auto outputs = trial.session().run(batch.inputs);
  seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return outputs;
}

/// Whether there is to be one plan in memory at a time.
static bool areLarge(const Trial &before, const Trial &after) {
  return before.planBytes() + after.planBytes() > (int64_t(256) << 20);
}

static Status addBatch(Trial &before, Trial &after, const data::Batch &batch, Sums &sums) {
  auto a = runTimed(before, batch, sums.before);
  if (!a)
    return a.takeStatus();
  if (areLarge(before, after))
    before.rest();
  auto b = runTimed(after, batch, sums.after);
  if (!b)
    return b.takeStatus();
  if (areLarge(before, after))
    after.rest();
  sums.outputs.resize(a->size());
  for (size_t i = 0; i < a->size(); ++i)
    if ((*a)[i].dims == (*b)[i].dims)
      compareOutput((*a)[i], (*b)[i], sums.outputs[i]);
    else // extents that data decide
      sums.outputs[i].change = std::numeric_limits<double>::infinity();
  if (!a->empty())
    compareLabels(batch, a->front(), b->front(), sums);
  sums.samples += batch.samples;
  return Status::success();
}

static double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::nth_element(values.begin(), values.begin() + ptrdiff_t(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// A first run warms up, and others are timed until there are some.
static Status timeAlone(Trial &trial, const data::Batch &batch, std::vector<double> &seconds) {
  constexpr size_t enough = 9;
  constexpr double mostSeconds = 1;
  seconds.clear();
  double spent = 0;
  for (size_t i = 0; i <= enough && (i < 2 || spent < mostSeconds); ++i) {
    if (auto outputs = runTimed(trial, batch, seconds); !outputs)
      return outputs.takeStatus();
    spent += seconds.back();
  }
  seconds.erase(seconds.begin());
  trial.rest();
  return Status::success();
}

/// Runs of one batch until the medians are of some: the first of all warms up.
static Status repeat(Trial &before, Trial &after, const data::Batch &batch, Sums &sums) {
  constexpr size_t enough = 9;
  constexpr double mostSeconds = 2;
  if (areLarge(before, after)) {
    TENON_RETURN_IF_ERROR(timeAlone(before, batch, sums.before));
    return timeAlone(after, batch, sums.after);
  }
  double spent = 0;
  sums.before.erase(sums.before.begin());
  sums.after.erase(sums.after.begin());
  while (sums.after.size() < enough && spent < mostSeconds) {
    if (auto a = runTimed(before, batch, sums.before); !a)
      return a.takeStatus();
    if (auto b = runTimed(after, batch, sums.after); !b)
      return b.takeStatus();
    spent += sums.before.back() + sums.after.back();
  }
  return Status::success();
}

static Comparison summarize(const Sums &sums) {
  Comparison result;
  result.samples = sums.samples;
  for (const OutputSums &output : sums.outputs) {
    const double energy = std::isfinite(output.energy) ? std::max(output.energy, 1e-300) : 1;
    const double error = output.change > 0 ? std::sqrt(output.change / energy) : 0;
    result.error = std::max(result.error, error);
    if (output.samples)
      result.cosine = std::min(result.cosine, output.cosines / double(output.samples));
  }
  if (!sums.outputs.empty() && sums.outputs.front().rows)
    result.agreement = double(sums.outputs.front().agreeing) / double(sums.outputs.front().rows);
  if (sums.labels) {
    result.accuracyBefore = double(sums.metBefore) / double(sums.labels);
    result.accuracyAfter = double(sums.metAfter) / double(sums.labels);
  }
  result.secondsBefore = median(sums.before);
  result.secondsAfter = median(sums.after);
  return result;
}

Expected<Comparison> compare(Trial &before, Trial &after, data::Dataset &dataset, Metric metric) {
  Sums sums;
  data::Batch last;
  releaseIdlePages(); // of the compiler
  dataset.rewind();
  while (true) {
    auto batch = dataset.next();
    if (!batch)
      return batch.takeStatus();
    if (!*batch)
      break;
    TENON_RETURN_IF_ERROR(addBatch(before, after, **batch, sums));
    if (last.samples <= (*batch)->samples)
      last = std::move(**batch);
  }
  if (sums.samples == 0)
    return Status::error("TN9057", "the data hold no samples");
  TENON_RETURN_IF_ERROR(repeat(before, after, last, sums));
  Comparison result = summarize(sums);
  result.metric = result.accuracyBefore >= 0                           ? Metric::Labels
                  : metric == Metric::Largest && result.agreement >= 0 ? Metric::Largest
                                                                       : Metric::Error;
  for (const runtime::NamedTensor &input : last.inputs)
    result.dims.push_back(input.tensor.dims);
  result.planBytesBefore = before.planBytes();
  result.planBytesAfter = after.planBytes();
  return result;
}

} // namespace tenon::compress
