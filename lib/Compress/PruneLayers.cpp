//===- PruneLayers.cpp - Weights that become zero --------------------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Stages.h"
#include "tenon/Compress/Numerics/ActivationAware.h"
#include "tenon/Compress/Numerics/Pruning.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/ChannelPruning.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

/// Steps of conjugate gradients after SparseGPT.
static constexpr int refitSteps = 8;

static PruneMethod methodOf(const Options &options, bool hasMoments) {
  return hasMoments ? options.pruneMethod.value_or(PruneMethod::SparseGpt) : PruneMethod::Magnitude;
}

static Matrix prune(ConstMatrixView w, const SparsityPattern &pattern, PruneMethod method,
                    const ValueStatistics *statistics, int64_t group) {
  switch (method) {
  case PruneMethod::Magnitude:
    return applyMask(w, magnitudeMask(w, pattern));
  case PruneMethod::Wanda:
    return applyMask(w, wandaMask(w, inputsOf(*statistics, group).gram, pattern));
  case PruneMethod::SparseGpt:
    return sparseGpt(w, inputsOf(*statistics, group).gram, pattern, {.refitSteps = refitSteps}).weights;
  }
  llvm_unreachable("every method is above");
}

/// The weights of a product as graph.unpack_2to4: about half of the bytes.
static Value packedWeights(const Layer &layer, const Matrix &weights) {
  OpBuilder b(layer.op);
  Location loc = layer.op->getLoc();
  const Packed2to4 packed = pack2to4(weights);
  auto bytesOf = [](const auto &v) {
    return ArrayRef<char>(reinterpret_cast<const char *>(v.data()), v.size() * sizeof(v[0]));
  };
  auto valueType = RankedTensorType::get({packed.k / 2, packed.n}, b.getF32Type());
  auto indexType = RankedTensorType::get({packed.k / 4, packed.n}, b.getIntegerType(4, /*isSigned=*/false));
  Value values = makeConstant(b, loc, valueType, bytesOf(packed.values), "values");
  Value indices = makeConstant(b, loc, indexType, bytesOf(packed.indices), "indices");
  auto dense = RankedTensorType::get({packed.k, packed.n}, b.getF32Type());
  return Unpack2To4Op::create(b, loc, dense, values, indices);
}

/// Steps of conjugate gradients towards the weights that make up for channels that go.
static constexpr int channelRefitSteps = 64;

/// Moments about the mean, for a layer whose bias takes what the mean does.
static SymmetricMatrix centred(const InputStatistics &inputs) {
  SymmetricMatrix h = inputs.gram;
  const double n = double(std::max<int64_t>(inputs.samples, 1));
  for (int64_t i = 0; i < h.size; ++i)
    for (int64_t j = 0; j < h.size; ++j)
      h(i, j) -= inputs.sum[size_t(i)] * inputs.sum[size_t(j)] / n;
  return h;
}

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
  const Matrix refit =
      refitMasked(weights, applyMask(weights, mask), mask, bias ? centred(inputs) : inputs.gram, channelRefitSteps);
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

LogicalResult Job::pruneChannels() {
  if (options.pruning.kind != Pruning::Kind::Channels)
    return success();
  const std::vector<Layer> layers = findLayers(function, {}, 1);
  ChannelPruningOptions wanted;
  wanted.macs = 1 - options.pruning.share;
  Observations seen;
  llvm::DenseMap<Operation *, size_t> places;
  if (dataset) {
    auto observed = observe(layers, false, true);
    if (failed(observed))
      return failure();
    seen = std::move(*observed);
    wanted.refit = [&](Operation *op, ArrayRef<int64_t> kept) {
      if (auto place = places.find(op); place != places.end())
        refitInputs(layers[place->second], kept, *seen.find(place->second));
    };
    for (auto [i, layer] : llvm::enumerate(layers))
      places[layer.op] = i;
    wanted.inputSquares = [&](Operation *op) {
      std::vector<double> squares;
      if (auto place = places.find(op); place != places.end()) {
        const ChannelStatistics &channels = seen.find(place->second)->channels;
        for (size_t c = 0; c < channels.size(); ++c)
          squares.push_back(channels.meanSquare(c));
      }
      return squares;
    };
  }
  const ChannelPruningResult pruned = tenon::pruneChannels(function, wanted);
  result.notes.push_back(llvm::formatv("{0} of {1} channels went, {2:F0} % of the multiplications are left",
                                       pruned.channelsRemoved, pruned.channels,
                                       100 * pruned.macsAfter / std::max(pruned.macsBefore, 1.0)));
  result.isChanged |= pruned.channelsRemoved > 0;
  if (pruned.macsAfter > 1.02 * wanted.macs * pruned.macsBefore)
    result.notes.push_back(
        "fewer channels went than was asked for: the others reach an input, an output, or an op that "
        "mixes them");
  return success();
}

LogicalResult Job::pruneWeights() {
  const Pruning &wanted = options.pruning;
  if (wanted.kind != Pruning::Kind::Pattern && wanted.kind != Pruning::Kind::Share)
    return success();
  const bool isPattern = wanted.kind == Pruning::Kind::Pattern;
  const SparsityPattern pattern =
      isPattern ? SparsityPattern::nOfM(wanted.kept, wanted.group) : SparsityPattern{.ratio = wanted.share};
  const std::vector<Layer> layers = findLayers(function, options.keep);
  const bool moments = dataset && options.pruneMethod != PruneMethod::Magnitude;
  Observations seen;
  if (dataset) {
    auto observed = observe(layers, false, moments);
    if (failed(observed))
      return failure();
    seen = std::move(*observed);
  }
  for (auto [i, layer] : llvm::enumerate(layers)) {
    if (isPattern && layer.depth % wanted.group != 0) {
      result.notes.push_back("'" + layer.name + "' is not pruned: " + std::to_string(layer.depth) +
                             " weights of an output are no multiple of " + std::to_string(wanted.group));
      continue;
    }
    const Matrix weights = readMatrix(layer);
    Matrix pruned(weights.rows, weights.columns);
    for (int64_t g = 0; g < layer.groups; ++g) {
      const Matrix part = prune(groupRows(layer, weights, g), pattern, methodOf(options, moments), seen.find(i), g);
      llvm::copy(part.values, pruned.row(g * part.rows));
    }
    const double error = weightError(layer, weights, pruned, seen.find(i));
    // What is quantized afterwards is stored dense: eight bits each are fewer than half of 32 with their places.
    const bool isPacked = isPattern && !layer.isConv() && options.quantization == Quantization::None;
    const int64_t bytes = isPacked ? layer.elements() * 2 + layer.elements() / 8 : layer.elements() * 4;
    note(layer, isPattern ? "2:4" : "pruned", bytes, error);
    if (!isPacked) {
      writeWeights(layer, pruned.values);
      continue;
    }
    layer.op->setOperand(1, packedWeights(layer, pruned));
    if (auto product = dyn_cast<MatMulOp>(layer.op))
      product.setTransposeW(false);
  }
  if (!isPattern)
    result.notes.push_back("zeros in no pattern are stored and multiplied like other numbers: no device of Tenon is "
                           "faster or smaller by them");
  return success();
}

} // namespace tenon::compress
