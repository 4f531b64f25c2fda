//===- WeightConstants.cpp - Compressed weights in the IR ------------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Stages.h"
#include "tenon/Compress/Numerics/LayerError.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

Matrix readMatrix(const Layer &layer) {
  Matrix matrix;
  matrix.rows = layer.outputs;
  matrix.columns = layer.depth;
  matrix.values = readWeights(layer);
  return matrix;
}

ConstMatrixView groupRows(const Layer &layer, const Matrix &weights, int64_t g) {
  const int64_t rows = layer.outputs / layer.groups;
  return {weights.row(g * rows), rows, layer.depth};
}

InputStatistics inputsOf(const ValueStatistics &statistics, int64_t g) {
  return statistics.grams[size_t(g)].statistics();
}

/// E[x^2] of element k of what a result of group g sums.
static double meanSquareOf(const Layer &layer, const ChannelStatistics &channels, int64_t g, int64_t k) {
  const int64_t perGroup = int64_t(channels.size()) / layer.groups, taps = layer.depth / std::max<int64_t>(perGroup, 1);
  return channels.meanSquare(size_t(g * perGroup + k / std::max<int64_t>(taps, 1)));
}

/// sum of E[x_k^2] d_k^2 over the rows d of group g
static double diagonalEnergy(const Layer &layer, ConstMatrixView d, const ChannelStatistics &channels, int64_t g) {
  double sum = 0;
  for (int64_t k = 0; k < d.columns; ++k) {
    const double scale = meanSquareOf(layer, channels, g, k);
    for (int64_t row = 0; row < d.rows; ++row)
      sum += scale * double(d(row, k)) * d(row, k);
  }
  return sum;
}

double weightError(const Layer &layer, const Matrix &weights, const Matrix &changed,
                   const ValueStatistics *statistics) {
  if (!statistics)
    return -1;
  double change = 0, energy = 0;
  Matrix difference(weights.rows, weights.columns);
  for (size_t i = 0; i < weights.values.size(); ++i)
    difference.values[i] = changed.values[i] - weights.values[i];
  for (int64_t g = 0; g < layer.groups; ++g) {
    ConstMatrixView w = groupRows(layer, weights, g), d = groupRows(layer, difference, g);
    if (!statistics->grams.empty()) {
      const SymmetricMatrix h = inputsOf(*statistics, g).gram;
      change += outputEnergy(d, h);
      energy += outputEnergy(w, h);
    } else {
      change += diagonalEnergy(layer, d, statistics->channels, g);
      energy += diagonalEnergy(layer, w, statistics->channels, g);
    }
  }
  return energy > 0 ? std::sqrt(std::max(0.0, change) / energy) : -1;
}

Value makeScalar(OpBuilder &b, Location loc, float value) {
  return ConstantOp::create(b, loc, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), value));
}

Value makeVector(OpBuilder &b, Location loc, ArrayRef<float> values) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  return makeConstant(b, loc, RankedTensorType::get({int64_t(values.size())}, b.getF32Type()), bytes, "factors");
}

Value makeZeroPoint(OpBuilder &b, Location loc, uint8_t value) {
  auto type = RankedTensorType::get({}, b.getIntegerType(8, /*isSigned=*/false));
  return ConstantOp::create(b, loc, DenseElementsAttr::getFromRawBuffer(type, {reinterpret_cast<char *>(&value), 1}));
}

static Type codeType(MLIRContext *context, const QuantizationFormat &format) {
  if (format.kind == CodeKind::Float8E4M3)
    return Float8E4M3FNType::get(context);
  const auto sign = format.kind == CodeKind::Unsigned ? IntegerType::Unsigned : IntegerType::Signless;
  return IntegerType::get(context, unsigned(format.bits), sign);
}

/// [rows, columns] -> [columns, rows] where `isTransposed`.
template <typename T>
static std::vector<T> arrange(bool isTransposed, const std::vector<T> &values, int64_t rows) {
  if (!isTransposed || values.empty())
    return values;
  const int64_t columns = int64_t(values.size()) / rows;
  std::vector<T> result(values.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result[size_t(c * rows + r)] = values[size_t(r * columns + c)];
  return result;
}

template <typename T>
static ArrayRef<char> bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

static Value makeCodes(OpBuilder &b, Location loc, ArrayRef<int64_t> shape, bool isTransposed,
                       const QuantizedMatrix &q) {
  auto type = RankedTensorType::get(shape, codeType(b.getContext(), q.format));
  return makeConstant(b, loc, type, bytesOf(arrange(isTransposed, q.codes, q.rows)), "codes");
}

/// q as a tensor of `shape`, its rows along the first dimension, or the last where `isTransposed`.
static Value dequantize(Operation *user, ArrayRef<int64_t> shape, bool isTransposed, const QuantizedMatrix &q) {
  OpBuilder b(user);
  Location loc = user->getLoc();
  const bool hasBlocks = q.format.group > 0;
  const int64_t rowAxis = isTransposed ? 1 : 0, axis = hasBlocks ? 1 - rowAxis : rowAxis;
  SmallVector<int64_t> dims = {q.rows};
  if (hasBlocks)
    dims.insert(isTransposed ? dims.begin() : dims.end(), q.groups());
  Value codes = makeCodes(b, loc, shape, isTransposed, q), zero;
  Value scale = makeConstant(b, loc, RankedTensorType::get(dims, b.getF32Type()),
                             bytesOf(arrange(isTransposed, q.scale, q.rows)), "scales");
  if (!q.zero.empty())
    zero = makeConstant(b, loc, RankedTensorType::get(dims, codeType(b.getContext(), q.format)),
                        bytesOf(arrange(isTransposed, q.zero, q.rows)), "zeros");
  return DequantizeOp::create(b, loc, codes, scale, zero, axis, hasBlocks ? q.format.group : 0);
}

Value dequantizedWeights(const Layer &layer, const QuantizedMatrix &q) {
  return dequantize(layer.op, layer.weightType().getShape(), layer.isTransposed(), q);
}

Value dequantizedTable(Operation *user, const QuantizedMatrix &q) {
  return dequantize(user, {q.rows, q.columns}, false, q);
}

CodedWeights codedWeights(const Layer &layer, const QuantizedMatrix &q) {
  OpBuilder b(layer.op);
  return {makeCodes(b, layer.op->getLoc(), layer.weightType().getShape(), layer.isTransposed(), q),
          makeVector(b, layer.op->getLoc(), q.scale)};
}

} // namespace tenon::compress
