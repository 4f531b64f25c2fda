//===- FactorLayers.cpp - Layers as two thin ones --------------------------===//
//
// y = w x  ->  y = b (a x), with the least rank that keeps the wanted part of the outputs; of a convolution a keeps the
// window and b is 1 x 1. Taken where the two are clearly less work and fewer bytes than the one.
//
//===----------------------------------------------------------------------===//
#include "Stages.h"
#include "tenon/Compress/Numerics/LowRank.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::compress {

/// Two kernels cost a launch and a pass over what lies between: they have to save a quarter of the multiplications.
static constexpr double mostWork = 0.75;
/// Registers hold so many columns of a product: thinner factors leave them empty.
static constexpr int64_t rankStep = 16;

static Value makeWeights(OpBuilder &b, Location loc, ArrayRef<int64_t> dims, ArrayRef<float> values) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float));
  return makeConstant(b, loc, RankedTensorType::get(dims, b.getF32Type()), bytes, "factor");
}

static void splitProduct(const Layer &layer, const LowRankFactors &factors) {
  OpBuilder b(layer.op);
  Location loc = layer.op->getLoc();
  const Matrix a = transposed(factors.a), c = transposed(factors.b); // [depth, r], [r, outputs]
  Value first = MatMulOp::create(b, loc, layer.input(), makeWeights(b, loc, {a.rows, a.columns}, a.values), false);
  Value second = MatMulOp::create(b, loc, first, makeWeights(b, loc, {c.rows, c.columns}, c.values), false);
  layer.op->getResult(0).replaceAllUsesWith(second);
  layer.op->erase();
}

static void splitConvolution(const Layer &layer, const LowRankFactors &factors) {
  auto conv = cast<ConvOp>(layer.op);
  OpBuilder b(conv);
  SmallVector<int64_t> window(layer.weightType().getShape()), point(window.size(), 1);
  window[0] = point[1] = factors.a.rows;
  point[0] = layer.outputs;
  const size_t spatial = window.size() - 2;
  auto ones = b.getDenseI64ArrayAttr(SmallVector<int64_t>(spatial, 1));
  auto none = b.getDenseI64ArrayAttr(SmallVector<int64_t>(2 * spatial, 0));
  Location loc = conv.getLoc();
  Value first =
      ConvOp::create(b, loc, conv.getX(), makeWeights(b, loc, window, factors.a.values), Value(), conv.getStridesAttr(),
                     conv.getPadsAttr(), conv.getDilationsAttr(), conv.getGroupAttr(), conv.getChannelsLastAttr());
  Value second = ConvOp::create(b, loc, first, makeWeights(b, loc, point, factors.b.values), conv.getBias(), ones, none,
                                ones, conv.getGroupAttr(), conv.getChannelsLastAttr());
  conv.replaceAllUsesWith(second);
  conv.erase();
}

LogicalResult Job::factor() {
  if (options.lowRank <= 0)
    return success();
  std::vector<Layer> layers = findLayers(function, options.keep);
  llvm::erase_if(layers, [](const Layer &layer) { return layer.groups != 1; });
  Observations seen;
  if (dataset) {
    auto observed = observe(layers, false, true);
    if (failed(observed))
      return failure();
    seen = std::move(*observed);
  }
  for (auto [i, layer] : llvm::enumerate(layers)) {
    const Matrix weights = readMatrix(layer);
    const LowRank spectrum =
        seen.find(i) ? LowRank::whitened(weights, inputsOf(*seen.find(i), 0).gram) : LowRank::plain(weights);
    int64_t rank = std::max<int64_t>(1, spectrum.rankFor(1 - options.lowRank));
    rank = std::min(int64_t(llvm::alignTo(uint64_t(rank), rankStep)), spectrum.maxRank());
    const int64_t elements = rank * (layer.outputs + layer.depth);
    if (double(elements) > mostWork * double(layer.elements())) {
      result.notes.push_back(llvm::formatv("'{0}' stays whole: {1:F0} % of its output take rank {2}, and above {3} two "
                                           "products are no less work than one",
                                           layer.name, 100 * options.lowRank, rank,
                                           int64_t(mostWork * double(breakEvenRank(layer.outputs, layer.depth)))));
      continue;
    }
    const LowRankFactors factors = spectrum.factors(rank);
    note(layer, llvm::formatv("rank {0} of {1}", rank, std::min(layer.outputs, layer.depth)).str(), elements * 4,
         seen.find(i) ? spectrum.errorNorm(rank) : -1);
    if (layer.isConv())
      splitConvolution(layer, factors);
    else
      splitProduct(layer, factors);
  }
  return success();
}

} // namespace tenon::compress
