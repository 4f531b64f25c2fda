//===- Activations.cpp - Values of a run in few bits -----------------------===//
#include "Activations.h"

#include "Graph/IR/QuantizationOps.h"
#include "tenon/Compress/Numerics/ActivationAware.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

static constexpr double steps = 255, largestE4m3 = 448, largestE5m2 = 57344;

/// ui8 for [low, high], which holds zero.
static void setRange(Activation &activation, ValueRange range) {
  const double width = range.high - range.low;
  activation.scale = width > 0 ? float(width / steps) : 1;
  activation.zero = std::clamp(int(std::lround(-range.low / double(activation.scale))), 0, int(steps));
}

/// The norm that a product's outputs move by, squared, for a row of x: rounding of x and of the weights, each of which
/// is spread over a step.
static double productNoise(const Activation &activation, ArrayRef<Matrix> weights, const ChannelStatistics &channels) {
  double sum = 0;
  for (const Matrix &original : weights) {
    const Matrix w = activation.factors.empty() ? original : scaleInputs(original, activation.factors);
    std::vector<double> squares(size_t(w.columns));
    for (int64_t k = 0; k < w.columns; ++k) {
      const double factor = activation.factors.empty() ? 1 : activation.factors[size_t(k)];
      squares[size_t(k)] = channels.meanSquare(size_t(k)) / (factor * factor);
    }
    const double energy = std::accumulate(squares.begin(), squares.end(), 0.0);
    for (int64_t row = 0; row < w.rows; ++row) {
      double norm = 0, largest = 0;
      for (int64_t k = 0; k < w.columns; ++k) {
        norm += double(w(row, k)) * w(row, k);
        largest = std::max(largest, std::abs(double(w(row, k))));
      }
      const double step = largest / 127;
      sum += activation.noise * norm + energy * step * step / 12;
    }
  }
  return sum;
}

/// The range of all channels after each is divided by its factor.
static ValueRange dividedRange(const ChannelStatistics &channels, ArrayRef<float> factors) {
  ValueRange range;
  for (size_t i = 0; i < channels.size(); ++i) {
    range.low = std::min(range.low, double(channels.min[i]) / factors[i]);
    range.high = std::max(range.high, double(channels.max[i]) / factors[i]);
  }
  return range;
}

static void smooth(Activation &activation, const ChannelStatistics &channels, ArrayRef<Matrix> readers) {
  std::vector<ConstMatrixView> views(readers.begin(), readers.end());
  std::vector<float> largest;
  for (size_t i = 0; i < channels.size(); ++i)
    largest.push_back(channels.largestMagnitude(i));
  // A factor costs a pass of multiplications unless it fuses: it has to take a third of the error.
  double best = 0.5 * productNoise(activation, readers, channels);
  for (double strength : {0.3, 0.4, 0.5, 0.6, 0.7}) {
    Activation candidate;
    candidate.factors = smoothFactors(views, largest, strength);
    setRange(candidate, dividedRange(channels, candidate.factors));
    candidate.noise = double(candidate.scale) * candidate.scale / 12;
    const double noise = productNoise(candidate, readers, channels);
    if (noise < best) {
      best = noise;
      activation = std::move(candidate);
    }
  }
}

Activation chooseActivation(const ValueStatistics &statistics, ArrayRef<Matrix> readers, const RangeOptions &options,
                            Quantization quantization) {
  Activation activation;
  const Histogram &histogram = statistics.histogram;
  const ValueRange range = chooseRange(histogram, options);
  if (quantization == Quantization::Fp8 || quantization == Quantization::Fp8E5M2) {
    const double reach = std::max(-range.low, range.high);
    const bool isFine = quantization == Quantization::Fp8;
    activation.scale = reach > 0 ? float(reach / (isFine ? largestE4m3 : largestE5m2)) : 1;
    activation.noise = histogram.meanSquare() * std::pow(2.0, isFine ? -8 : -6) / 3; // half a unit, spread evenly
    return activation;
  }
  setRange(activation, range);
  activation.noise = estimateError(histogram, range, options.bits);
  if (!readers.empty() && statistics.channels.size() == size_t(readers.front().columns))
    smooth(activation, statistics.channels, readers);
  return activation;
}

double activationError(const Layer &layer, const Matrix &weights, const Activation &activation,
                       const ValueStatistics &statistics) {
  const ChannelStatistics &channels = statistics.channels;
  const int64_t perGroup = std::max<int64_t>(int64_t(channels.size()) / layer.groups, 1),
                taps = std::max<int64_t>(layer.depth / perGroup, 1), rows = layer.outputs / layer.groups;
  double change = 0, energy = 0;
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t k = 0; k < weights.columns; ++k) {
      const size_t channel = size_t(row / rows * perGroup + k / taps);
      const double w = weights(row, k), factor = activation.factors.empty() ? 1 : activation.factors[channel];
      change += w * w * factor * factor * activation.noise;
      energy += w * w * channels.meanSquare(channel);
    }
  return energy > 0 ? std::sqrt(change / energy) : 0;
}

Value divideChannels(Operation *user, Value x, ArrayRef<float> factors) {
  OpBuilder b(user);
  std::vector<float> inverse;
  for (float factor : factors)
    inverse.push_back(1 / factor);
  return MulOp::create(b, user->getLoc(), x, makeVector(b, user->getLoc(), inverse));
}

/// Whether `user` may read the 8 bits of an image as well as its numbers: it moves them, or adds them to others.
static bool toleratesCodes(Operation *user) {
  return isa<AddOp, MulOp, ReluOp, MaxPoolOp, AveragePoolOp, ConcatOp, ResizeOp, SliceOp, TransposeOp, PadOp,
             ReduceMeanOp>(user);
}

Value quantizeActivation(Value x, ArrayRef<Operation *> readers, const Activation &activation) {
  OpBuilder b(x.getContext());
  b.setInsertionPointAfterValue(x);
  Location loc = readers.front()->getLoc();
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<OpOperand *> others;
  for (OpOperand &use : x.getUses())
    if (type.getRank() == 4 && toleratesCodes(use.getOwner()))
      others.push_back(&use);
  Value source = x;
  if (!activation.factors.empty()) {
    std::vector<float> inverse;
    for (float factor : activation.factors)
      inverse.push_back(1 / factor);
    source = MulOp::create(b, loc, x, makeVector(b, loc, inverse));
  }
  const Type element = activation.type ? activation.type : b.getIntegerType(8, /*isSigned=*/false);
  Value scale = makeScalar(b, loc, activation.scale);
  Value zero = activation.type ? Value() : makeZeroPoint(b, loc, uint8_t(activation.zero));
  Value codes = QuantizeOp::create(b, loc, getTensorType(getDims(type), element), source, scale, zero, 1, 0, true);
  Value result = DequantizeOp::create(b, loc, codes, scale, zero, 1, 0);
  for (OpOperand *use : others)
    use->set(result);
  return result;
}

DynamicRange quantizeByRange(Value x) {
  OpBuilder b(x.getContext());
  b.setInsertionPointAfterValue(x);
  Location loc = x.getLoc();
  auto type = cast<RankedTensorType>(x.getType());
  auto axes = b.getDenseI64ArrayAttr(llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
  Value none = makeScalar(b, loc, 0), one = makeScalar(b, loc, 1), most = makeScalar(b, loc, float(steps));
  Value low = MinOp::create(b, loc, ReduceMinOp::create(b, loc, x, axes, false), none);
  Value high = MaxOp::create(b, loc, ReduceMaxOp::create(b, loc, x, axes, false), none);
  Value width = DivOp::create(b, loc, SubOp::create(b, loc, high, low), most);
  // All zeros: any scale will do, but 0 / 0 will not.
  DynamicRange range;
  Value isNothing = EqualOp::create(b, loc, width, none);
  range.scale = WhereOp::create(b, loc, isNothing, one, width);
  Value zero = DivOp::create(b, loc, SubOp::create(b, loc, none, low), range.scale);
  zero = RoundOp::create(b, loc, MaxOp::create(b, loc, MinOp::create(b, loc, zero, most), none));
  Type byte = b.getIntegerType(8, /*isSigned=*/false);
  range.zero = CastOp::create(b, loc, RankedTensorType::get({}, byte), zero);
  range.codes = QuantizeOp::create(b, loc, getTensorType(getDims(type), byte), x, range.scale, range.zero, 1, 0, true);
  return range;
}

} // namespace tenon::compress
