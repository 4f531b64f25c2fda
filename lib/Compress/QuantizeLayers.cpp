//===- QuantizeLayers.cpp - Weights and activations in few bits ------------===//
//
// Of a layer y = w x:
//
//   weights alone   y = dequantize(codes) x
//   static          y = dequantize(codes) dequantize(quantize(x)), the range of x from data
//   dynamic         y = scale * (codes quantize(x)) in integers, the range of x from x
//
// Activations are ui8 with a zero point, weights i8 with a scale for each output: what integer units multiply.
//
//===----------------------------------------------------------------------===//
#include "Activations.h"
#include "Graph/IR/QuantizationOps.h"
#include "Stages.h"
#include "tenon/Compress/Numerics/ActivationAware.h"
#include "tenon/Compress/Numerics/Gptq.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "tenon/Transforms/IntegerSums.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

/// Rounds of coordinate descent after GPTQ, restarts, and steps of the search for clipped ranges
/// (docs/Rationale/CompressingWeights.md).
static constexpr int sweeps = 2, restarts = 1, rangeSteps = 20;

static QuantizationFormat formatOf(const Options &options, const Layer &layer) {
  switch (options.quantization) {
  case Quantization::Int4:
    if (!layer.isConv())
      return {CodeKind::Unsigned, 4, options.group};
    break; // convolutions have few inputs to each tap: groups of them do not pay
  case Quantization::Fp8:
  case Quantization::Fp8E5M2:
    return {CodeKind::Float8E4M3, 8, QuantizationFormat::wholeRow};
  default:
    break;
  }
  return {CodeKind::Signed, 8, QuantizationFormat::wholeRow};
}

static Rounding roundingOf(const Options &options, bool hasMoments) {
  return hasMoments ? options.rounding.value_or(Rounding::Gptq) : Rounding::Nearest;
}

/// What quantized weights were made of, beside the codes.
struct RoundedWeights {
  QuantizedMatrix codes;
  Matrix value;               ///< what they stand for, as the layer multiplies x
  std::vector<float> factors; ///< the layer reads x / factors; empty: x
};

static void append(QuantizedMatrix &all, QuantizedMatrix part) {
  if (all.rows == 0) {
    all = std::move(part);
    return;
  }
  all.rows += part.rows;
  all.codes.insert(all.codes.end(), part.codes.begin(), part.codes.end());
  all.scale.insert(all.scale.end(), part.scale.begin(), part.scale.end());
  all.zero.insert(all.zero.end(), part.zero.begin(), part.zero.end());
}

static RoundedWeights roundWeights(const Layer &layer, const Matrix &weights, const QuantizationFormat &format,
                                   Rounding rounding, const ValueStatistics *statistics) {
  RoundedWeights result;
  ScaleSearch search{.steps = format.bits < 8 ? rangeSteps : 0};
  for (int64_t g = 0; g < layer.groups; ++g) {
    ConstMatrixView w = groupRows(layer, weights, g);
    if (rounding == Rounding::Nearest) {
      append(result.codes, roundToNearest(w, format));
    } else if (rounding == Rounding::Awq && !layer.isConv()) {
      AwqResult scaled = awq(w, inputsOf(*statistics, g), format, {.search = search});
      result.factors = scaled.factors;
      append(result.codes, std::move(scaled.quantized));
    } else {
      append(result.codes, gptq(w, inputsOf(*statistics, g).gram, format,
                                {.search = search, .sweeps = sweeps, .restarts = restarts}));
    }
  }
  result.value = result.codes.dequantize();
  if (!result.factors.empty())
    result.value = unscaleInputs(result.value, result.factors);
  return result;
}

bool Job::wantsMoments() const {
  return dataset && options.rounding != Rounding::Nearest &&
         (options.rounding || options.quantization == Quantization::Int4);
}

static std::string methodOf(const QuantizationFormat &format, Rounding rounding, const char *activations) {
  std::string name = format.kind == CodeKind::Float8E4M3 ? "fp8" : "int" + std::to_string(format.bits);
  if (format.group > 0)
    name += ":" + std::to_string(format.group);
  if (rounding != Rounding::Nearest)
    name += rounding == Rounding::Gptq ? " gptq" : " awq";
  return name + activations;
}

LogicalResult Job::quantizeWeights(const std::vector<Layer> &layers) {
  const bool moments = wantsMoments();
  Observations seen;
  if (dataset) {
    auto observed = observe(layers, false, moments);
    if (failed(observed))
      return failure();
    seen = std::move(*observed);
  }
  for (auto [i, layer] : llvm::enumerate(layers)) {
    const Matrix weights = readMatrix(layer);
    const ValueStatistics *statistics = seen.find(i);
    const QuantizationFormat format = formatOf(options, layer);
    const Rounding rounding = roundingOf(options, moments);
    RoundedWeights rounded = roundWeights(layer, weights, format, rounding, statistics);
    const double error = weightError(layer, weights, rounded.value, statistics);
    if (!rounded.factors.empty())
      layer.op->setOperand(0, divideChannels(layer.op, layer.input(), rounded.factors));
    note(layer, methodOf(format, rounding, " weights"), rounded.codes.bytes(), error);
    layer.op->setOperand(1, dequantizedWeights(layer, rounded.codes));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Integers, ranges found in each run
//===----------------------------------------------------------------------===//

/// scale * product, where the product of codes stands in the place of the layer. scale is of x times that of each
/// output.
static void replaceByIntegers(const Layer &layer, const DynamicRange &range, const CodedWeights &weights) {
  OpBuilder b(layer.op);
  Location loc = layer.op->getLoc();
  Value product, bias, scales = MulOp::create(b, loc, weights.scales, range.scale);
  if (auto conv = dyn_cast<ConvOp>(layer.op)) {
    bias = conv.getBias();
    product = IntegerConvOp::create(b, loc, range.codes, weights.codes, range.zero, Value(), conv.getStridesAttr(),
                                    conv.getPadsAttr(), conv.getDilationsAttr(), conv.getGroupAttr(),
                                    conv.getChannelsLastAttr());
    SmallVector<int64_t> shape(size_t(layer.weightType().getRank()) - 1, 1);
    shape.front() = layer.outputs;
    auto type = RankedTensorType::get(shape, b.getF32Type());
    scales = ReshapeOp::create(b, loc, type, scales);
    bias = bias ? Value(ReshapeOp::create(b, loc, type, bias)) : bias;
  } else {
    product = IntegerMatMulOp::create(b, loc, range.codes, weights.codes, range.zero, Value(),
                                      cast<MatMulOp>(layer.op).getTransposeWAttr());
  }
  auto type = getTensorType(getDims(cast<RankedTensorType>(product.getType())), b.getF32Type());
  Value y = MulOp::create(b, loc, CastOp::create(b, loc, type, product), scales);
  if (bias)
    y = AddOp::create(b, loc, y, bias);
  layer.op->getResult(0).replaceAllUsesWith(y);
  layer.op->erase();
}

/// Why the layer has no product of integers; empty if it has.
static std::string whyNotIntegers(const Layer &layer) {
  if (cast<RankedTensorType>(layer.input().getType()).getRank() < 2)
    return "its operand is a vector";
  if (!holdsIntegerSum(layer.depth, 255, 127))
    return "sums of " + std::to_string(layer.depth) + " products may leave 32 bits";
  return "";
}

LogicalResult Job::quantizeDynamic(const std::vector<Layer> &layers) {
  llvm::DenseMap<Value, DynamicRange> ranges;
  for (const Layer &layer : layers) {
    if (std::string why = whyNotIntegers(layer); !why.empty()) {
      result.notes.push_back("'" + layer.name + "' is not quantized: " + why);
      continue;
    }
    const Matrix weights = readMatrix(layer);
    RoundedWeights rounded =
        roundWeights(layer, weights, {CodeKind::Signed, 8, QuantizationFormat::wholeRow}, Rounding::Nearest, nullptr);
    note(layer, "int8 dynamic", rounded.codes.bytes(), -1);
    DynamicRange &range = ranges[layer.input()];
    if (!range.codes)
      range = quantizeByRange(layer.input());
    replaceByIntegers(layer, range, codedWeights(layer, rounded.codes));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Integers, ranges from data
//===----------------------------------------------------------------------===//

/// The bias that makes up for what rounding moves the mean of the outputs by.
static void correctBias(const Layer &layer, const Matrix &weights, const Matrix &changed,
                        const ChannelStatistics &channels) {
  auto conv = dyn_cast<ConvOp>(layer.op);
  if (!conv)
    return;
  const int64_t perGroup = int64_t(channels.size()) / layer.groups, taps = layer.depth / std::max<int64_t>(perGroup, 1);
  std::vector<float> correction;
  for (int64_t g = 0; g < layer.groups; ++g) {
    std::vector<double> mean(size_t(layer.depth));
    for (int64_t k = 0; k < layer.depth; ++k)
      mean[size_t(k)] = channels.mean(size_t(g * perGroup + k / std::max<int64_t>(taps, 1)));
    llvm::append_range(correction, biasCorrection(groupRows(layer, weights, g), groupRows(layer, changed, g), mean));
  }
  OpBuilder b(conv);
  Value delta = makeVector(b, conv.getLoc(), correction);
  Value bias = conv.getBias() ? Value(AddOp::create(b, conv.getLoc(), conv.getBias(), delta)) : delta;
  conv.getBiasMutable().assign(bias);
}

LogicalResult Job::quantizeStatic(const std::vector<Layer> &layers) {
  const bool isFloat = options.quantization == Quantization::Fp8 || options.quantization == Quantization::Fp8E5M2;
  const bool moments = wantsMoments();
  auto seen = observe(layers, true, moments);
  if (failed(seen))
    return failure();
  llvm::MapVector<Value, SmallVector<size_t>> readers;
  for (auto [i, layer] : llvm::enumerate(layers))
    readers[layer.input()].push_back(i);
  for (auto &[x, indices] : readers) {
    const ValueStatistics &statistics = *seen->find(indices.front());
    SmallVector<Matrix> weights;
    SmallVector<Operation *> ops;
    for (size_t i : indices) {
      weights.push_back(readMatrix(layers[i]));
      ops.push_back(layers[i].op);
    }
    const bool areProducts = llvm::all_of(ops, [](Operation *op) { return isa<MatMulOp>(op); });
    Activation activation = chooseActivation(
        statistics, areProducts && options.smooth && !isFloat ? ArrayRef(weights) : ArrayRef<Matrix>(),
        {.method = options.range.value_or(RangeMethod::MeanSquare), .bits = 8, .percentile = options.percentile},
        options.quantization);
    if (isFloat)
      activation.type = options.quantization == Quantization::Fp8 ? Type(Float8E4M3FNType::get(x.getContext()))
                                                                  : Type(Float8E5M2Type::get(x.getContext()));
    Value input = quantizeActivation(x, ops, activation);
    for (auto [i, original] : llvm::zip_equal(indices, weights)) {
      const Layer &layer = layers[i];
      const Matrix scaled = activation.factors.empty() ? original : scaleInputs(original, activation.factors);
      const Rounding rounding = roundingOf(options, moments && activation.factors.empty());
      RoundedWeights rounded = roundWeights(layer, scaled, formatOf(options, layer), rounding, seen->find(i));
      const Matrix value =
          activation.factors.empty() ? rounded.value : unscaleInputs(rounded.value, activation.factors);
      const double weightPart = weightError(layer, original, value, seen->find(i));
      const double inputPart = activationError(layer, original, activation, statistics);
      note(layer, methodOf(rounded.codes.format, rounding, activation.factors.empty() ? "" : " smoothed"),
           rounded.codes.bytes(), std::hypot(weightPart, inputPart));
      correctBias(layer, original, value, statistics.channels);
      layer.op->setOperand(1, dequantizedWeights(layer, rounded.codes));
      layer.op->setOperand(0, input);
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// A row that is looked up has 8 bits and a scale for each, or as the other weights 4 in groups.
static QuantizedMatrix roundTable(const Options &options, ConstMatrixView table) {
  if (options.quantization == Quantization::Int4 && table.columns % options.group == 0)
    return roundToNearest(table, {CodeKind::Unsigned, 4, options.group}, {.steps = rangeSteps});
  return roundToNearest(table, {CodeKind::Signed, 8, QuantizationFormat::wholeRow});
}

void Job::quantizeTables() {
  constexpr int64_t fewest = 16384;
  for (Operation &op : function.getBody().front()) {
    auto gather = dyn_cast<GatherOp>(op);
    auto constant = gather ? gather.getX().getDefiningOp<ConstantOp>() : ConstantOp();
    auto type = constant ? cast<RankedTensorType>(constant.getType()) : RankedTensorType();
    if (!type || type.getRank() != 2 || !type.getElementType().isF32() || gather.getAxis() != 0 ||
        type.getNumElements() < fewest || matchesAny(options.keep, nodeOf(op.getLoc())))
      continue;
    auto tensor = reference::constantToTensor(constant.getValue());
    if (failed(tensor))
      continue;
    std::vector<float> values(size_t(type.getNumElements())); // the file's bytes may be misaligned
    std::memcpy(values.data(), tensor->bytes(), values.size() * sizeof(float));
    const ConstMatrixView view{values.data(), type.getDimSize(0), type.getDimSize(1)};
    const QuantizedMatrix q = roundTable(options, view);
    op.setOperand(0, dequantizedTable(&op, q));
    result.isChanged = true;
    result.layers.push_back({nodeOf(op.getLoc()), "table", "int" + std::to_string(q.format.bits), type.getNumElements(),
                             type.getNumElements() * 4, q.bytes(), -1});
  }
}

LogicalResult Job::quantize() {
  if (options.quantization == Quantization::None)
    return success();
  const std::vector<Layer> layers = findLayers(function, options.keep);
  if (layers.empty())
    result.notes.push_back("no product or convolution is quantized: none has 1024 constant weights or more");
  LogicalResult done = success();
  switch (options.quantization) {
  case Quantization::Int8Dynamic:
    done = quantizeDynamic(layers);
    break;
  case Quantization::Int8Weights:
  case Quantization::Int4:
    done = quantizeWeights(layers);
    break;
  default:
    done = quantizeStatic(layers);
  }
  if (succeeded(done))
    quantizeTables();
  return done;
}

} // namespace tenon::compress
