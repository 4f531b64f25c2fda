//===- PruneChannels.cpp - Channels that go as a whole ---------------------===//
//
// tenon-prune-channels says which can go, and makes the graph smaller. Here the weights that read the others are fitted
// to what the layer gave before.
//
//===----------------------------------------------------------------------===//
#include "Stages.h"
#include "tenon/Compress/Evaluate.h"
#include "tenon/Compress/Numerics/ActivationAware.h"
#include "tenon/Compress/Numerics/Pruning.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/ChannelPruning.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

/// Steps of conjugate gradients towards the weights that make up for channels that go.
static constexpr int channelRefitSteps = 64;

static ElementsAttr valuesOf(RankedTensorType type, ArrayRef<float> values) {
  auto tensor = reference::HostTensor::allocate(ElementType::F32, type.getShape());
  if (failed(tensor))
    return {};
  std::memcpy(tensor->mutableBytes(), values.data(), values.size() * sizeof(float));
  return reference::tensorToAttr(type.getContext(), std::move(*tensor), "refit");
}

/// Weights of the inputs `kept` that give the outputs of all, as nearly as they can (He, Zhang, Sun: "Channel Pruning
/// for Accelerating Very Deep Neural Networks", 2017, section 3.2). What the others gave on average goes into the bias
/// of a convolution that has one.
static void refitInputs(const Layer &layer, ArrayRef<int64_t> kept, const ValueStatistics &statistics) {
  if (layer.groups != 1)
    return;
  const Matrix weights = readMatrix(layer);
  const InputStatistics inputs = inputsOf(statistics, 0);
  auto conv = dyn_cast<ConvOp>(layer.op);
  auto bias = conv && conv.getBias() ? conv.getBias().getDefiningOp<ConstantOp>() : ConstantOp();
  const int64_t taps = conv ? layer.depth / layer.weightType().getDimSize(1) : 1;
  Mask mask(size_t(weights.rows * weights.columns));
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t channel : kept)
      std::fill_n(mask.begin() + row * weights.columns + channel * taps, taps, 1);
  const Matrix refit = refitMasked(weights, applyMask(weights, mask), mask, bias ? inputs.centeredGram() : inputs.gram,
                                   channelRefitSteps);
  if (bias) {
    std::vector<float> correction = biasCorrection(weights, refit, inputs.mean());
    if (auto old = reference::constantToTensor(bias.getValue()); succeeded(old))
      for (auto [i, value] : llvm::enumerate(correction))
        value += float(old->getDouble(int64_t(i)));
    bias.setValueAttr(valuesOf(cast<RankedTensorType>(bias.getType()), correction));
  }
  ConstantOp constant = layer.weights();
  const std::vector<float> stored = layer.isTransposed() ? transposed(refit).values : refit.values;
  constant.setValueAttr(valuesOf(layer.weightType(), stored));
}

namespace {

/// Prunes channels of copies of a module in several ways, and keeps what came of the best.
class ChannelPruner {
public:
  ChannelPruner(const Options &options, const Observations &seen) : seen(seen) {
    wanted.macs = 1 - options.pruning.share;
    wanted.keeps = [&options](Operation *op) { return matchesAny(options.keep, nodeOf(op->getLoc())); };
  }

  ChannelPruningResult prune(func::FuncOp function, bool isGlobal);

private:
  std::vector<double> squaresOf(Operation *op) const;

  const Observations &seen;
  ChannelPruningOptions wanted;
  std::vector<Layer> layers;
  llvm::DenseMap<Operation *, size_t> places;
};

} // namespace

std::vector<double> ChannelPruner::squaresOf(Operation *op) const {
  std::vector<double> squares;
  if (auto place = places.find(op); place != places.end()) {
    const ChannelStatistics &channels = seen.find(place->second)->channels;
    for (size_t c = 0; c < channels.size(); ++c)
      squares.push_back(channels.meanSquare(c));
  }
  return squares;
}

ChannelPruningResult ChannelPruner::prune(func::FuncOp function, bool isGlobal) {
  layers = findLayers(function, {}, 1); // as those of the module that was observed
  places.clear();
  for (auto [i, layer] : llvm::enumerate(layers))
    places[layer.op] = i;
  wanted.global = isGlobal;
  if (!seen.empty()) {
    wanted.inputSquares = [this](Operation *op) { return squaresOf(op); };
    wanted.refit = [this](Operation *op, ArrayRef<int64_t> kept) {
      if (auto place = places.find(op); place != places.end())
        refitInputs(layers[place->second], kept, *seen.find(place->second));
    };
  }
  return tenon::pruneChannels(function, wanted);
}

/// The error of the pruned module against the one before; infinite where it cannot be run.
static double errorOf(ModuleOp before, ModuleOp after, data::Dataset &dataset, const CompileOptions &compile) {
  auto first = Trial::create(before, compile);
  auto second = failed(first) ? FailureOr<Trial>(failure()) : Trial::create(after, compile);
  if (failed(second))
    return std::numeric_limits<double>::infinity();
  auto comparison = compare(*first, *second, dataset, Metric::Error);
  return comparison ? comparison->error : std::numeric_limits<double>::infinity();
}

LogicalResult Job::pruneChannels() {
  if (options.pruning.kind != Pruning::Kind::Channels)
    return success();
  Observations seen;
  if (dataset) {
    auto observed = observe(findLayers(function, {}, 1), false, true);
    if (failed(observed))
      return failure();
    seen = std::move(*observed);
  }
  ChannelPruner pruner(options, seen);
  // Where channels cost least, or everywhere the same part: what suits a network shows when it is run.
  bool isGlobal = true;
  if (dataset && compile.target == "cpu") {
    std::array<double, 2> errors;
    for (bool global : {false, true}) {
      OwningOpRef<ModuleOp> copy(module.clone());
      pruner.prune(*copy->getOps<func::FuncOp>().begin(), global);
      errors[global] = errorOf(module, *copy, *dataset, compile);
    }
    isGlobal = errors[1] <= errors[0];
  }
  const ChannelPruningResult pruned = pruner.prune(function, isGlobal);
  result.notes.push_back(llvm::formatv("{0} of {1} channels went, {2:F0} % of the multiplications are left",
                                       pruned.channelsRemoved, pruned.channels,
                                       100 * pruned.macsAfter / std::max(pruned.macsBefore, 1.0)));
  result.isChanged |= pruned.channelsRemoved > 0;
  if (pruned.macsAfter > 1.02 * (1 - options.pruning.share) * pruned.macsBefore)
    result.notes.push_back(
        "fewer channels went than was asked for: the others reach an input, an output, or an op that "
        "mixes them");
  return success();
}

} // namespace tenon::compress
