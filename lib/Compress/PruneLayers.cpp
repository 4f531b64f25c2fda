//===- PruneLayers.cpp - Weights that become zero --------------------------===//
#include "Graph/IR/QuantizationOps.h"
#include "Stages.h"
#include "tenon/Compress/Evaluate.h"
#include "tenon/Compress/Numerics/Pruning.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

/// Steps of conjugate gradients of the weights that stay (docs/Rationale/CompressingWeights.md).
static constexpr int refitSteps = 30;

static PruneMethod methodOf(const Options &options, bool hasMoments) {
  return hasMoments ? options.pruneMethod.value_or(PruneMethod::SparseGpt) : PruneMethod::Magnitude;
}

static Matrix prune(ConstMatrixView w, const SparsityPattern &pattern, PruneMethod method,
                    const ValueStatistics *statistics, int64_t group) {
  switch (method) {
  case PruneMethod::Magnitude:
    return applyMask(w, magnitudeMask(w, pattern));
  case PruneMethod::Wanda: {
    const SymmetricMatrix h = inputsOf(*statistics, group).gram;
    const Mask mask = wandaMask(w, h, pattern);
    return refitMasked(w, applyMask(w, mask), mask, h, refitSteps);
  }
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

/// Stores the products of `function` that have two of four weights as those, where they are `least` bytes or more; the
/// bytes of each.
static std::vector<std::pair<std::string, int64_t>> packProducts(func::FuncOp function, ArrayRef<std::string> keep,
                                                                 int64_t least) {
  std::vector<std::pair<std::string, int64_t>> packed;
  for (const Layer &layer : findLayers(function, keep)) {
    if (layer.isConv() || layer.elements() * 4 < least)
      continue;
    const Matrix weights = readMatrix(layer);
    if (!isPackable2to4(weights))
      continue;
    layer.op->setOperand(1, packedWeights(layer, weights));
    cast<MatMulOp>(layer.op).setTransposeW(false);
    packed.push_back({layer.name, layer.elements() * 2 + layer.elements() / 8});
  }
  return packed;
}

/// Half of the weights with their places are half of the bytes, and take some work to spread out: that is faster where
/// weights come from memory, and slower where they are cached or used for many rows. With data it is measured.
void Job::packPatterns() {
  constexpr int64_t cachedBytes = 1 << 20; ///< what a core's second-level cache holds of weights, about
  int64_t least = cachedBytes;
  if (compile.target != "cpu")
    return; // no other device has kernels for them
  if (dataset) {
    OwningOpRef<ModuleOp> copy(module.clone());
    packProducts(*copy->getOps<func::FuncOp>().begin(), options.keep, 0);
    auto dense = Trial::create(module, compile);
    auto packed = failed(dense) ? FailureOr<Trial>(failure()) : Trial::create(*copy, compile);
    if (failed(packed))
      return;
    auto times = compare(*dense, *packed, *dataset, Metric::Error);
    if (!times || times->isSlower()) {
      if (times)
        result.notes.push_back(llvm::formatv("2:4 weights are stored with their zeros: packed, a run took {0:F3} ms, "
                                             "and {1:F3} ms so",
                                             times->secondsAfter * 1e3, times->secondsBefore * 1e3));
      return;
    }
    least = 0;
  }
  for (const auto &[name, bytes] : packProducts(function, options.keep, least))
    for (LayerResult &layer : result.layers)
      if (layer.node == name && layer.op == "matmul")
        layer.bytesAfter = bytes;
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
    note(layer, isPattern ? "2:4" : "pruned", layer.elements() * 4, error);
    writeWeights(layer, pruned.values);
  }
  // What is quantized afterwards is stored dense: eight bits each are fewer than half of 32 with their places.
  if (isPattern && options.quantization == Quantization::None)
    packPatterns();
  if (!isPattern)
    result.notes.push_back("zeros in no pattern are stored and multiplied like other numbers: no device of Tenon is "
                           "faster or smaller by them");
  return success();
}

} // namespace tenon::compress
