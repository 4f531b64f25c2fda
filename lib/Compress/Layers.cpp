//===- Layers.cpp - What of a model has weights ----------------------------===//
#include "tenon/Compress/Layers.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/GlobPattern.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

bool Layer::isTransposed() const {
  auto product = dyn_cast<MatMulOp>(op);
  return product && !product.getTransposeW();
}

bool matchesAny(ArrayRef<std::string> patterns, StringRef name) {
  return llvm::any_of(patterns, [&](const std::string &pattern) {
    std::string escaped; // all but * stands for itself
    for (char c : pattern) {
      if (StringRef("?[]{}^!-\\").contains(c))
        escaped += '\\';
      escaped += c;
    }
    auto glob = llvm::GlobPattern::create(escaped);
    if (!glob)
      llvm::consumeError(glob.takeError());
    return glob && glob->match(name);
  });
}

static std::optional<Layer> getLayer(Operation &op) {
  if (!isa<MatMulOp, ConvOp>(op))
    return std::nullopt;
  Layer layer{&op, nodeOf(op.getLoc())};
  auto isF32 = [](Type type) { return cast<RankedTensorType>(type).getElementType().isF32(); };
  if (!layer.weights() || !isF32(layer.weightType()) || !isF32(op.getOperand(0).getType()))
    return std::nullopt;
  ArrayRef<int64_t> dims = layer.weightType().getShape();
  if (auto conv = dyn_cast<ConvOp>(op)) {
    layer.outputs = dims[0];
    layer.groups = conv.getGroup();
  } else if (dims.size() == 2) {
    layer.outputs = dims[layer.isTransposed() ? 1 : 0];
  }
  if (layer.outputs == 0)
    return std::nullopt;
  layer.depth = layer.weightType().getNumElements() / layer.outputs;
  return layer;
}

std::vector<Layer> findLayers(func::FuncOp function, ArrayRef<std::string> keep, int64_t minElements) {
  std::vector<Layer> layers;
  for (Operation &op : function.getBody().front())
    if (auto layer = getLayer(op); layer && layer->elements() >= minElements && !matchesAny(keep, layer->name))
      layers.push_back(std::move(*layer));
  return layers;
}

/// [rows, columns] -> [columns, rows]
static std::vector<float> transpose(ArrayRef<float> matrix, int64_t rows, int64_t columns) {
  std::vector<float> result(matrix.size());
  constexpr int64_t block = 32;
  for (int64_t r = 0; r < rows; r += block)
    for (int64_t c = 0; c < columns; c += block)
      for (int64_t i = r; i < std::min(rows, r + block); ++i)
        for (int64_t j = c; j < std::min(columns, c + block); ++j)
          result[size_t(j * rows + i)] = matrix[size_t(i * columns + j)];
  return result;
}

std::vector<float> readWeights(const Layer &layer) {
  auto tensor = reference::constantToTensor(layer.weights().getValue());
  if (failed(tensor))
    return {};
  std::vector<float> values(size_t(tensor->getNumElements())); // the bytes of a file may be misaligned
  std::memcpy(values.data(), tensor->bytes(), values.size() * sizeof(float));
  return layer.isTransposed() ? transpose(values, layer.depth, layer.outputs) : values;
}

Value makeConstant(OpBuilder &b, Location loc, RankedTensorType type, ArrayRef<char> bytes, StringRef name) {
  const size_t alignment = std::max<size_t>(1, type.getElementTypeBitWidth() / 8);
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, std::max<size_t>(alignment, 64), false);
  return ConstantOp::create(b, loc, DenseResourceElementsAttr::get(type, name, std::move(blob)));
}

void writeWeights(const Layer &layer, ArrayRef<float> matrix) {
  std::vector<float> stored = layer.isTransposed() ? transpose(matrix, layer.outputs, layer.depth) : matrix.vec();
  OpBuilder b(layer.op);
  ArrayRef<char> bytes(reinterpret_cast<const char *>(stored.data()), stored.size() * sizeof(float));
  layer.op->setOperand(1, makeConstant(b, layer.weights().getLoc(), layer.weightType(), bytes, "weights"));
}

} // namespace tenon::compress
