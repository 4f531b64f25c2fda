//===- ConvWgmma.cpp - Convolutions on tensor cores by wgmma --------------===//
#include "Product.h"

#include "../Printer/CudaPrinter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

constexpr int64_t rows = 128, depth = 64, stages = 4;
constexpr int threads = 384, registers = 168;
constexpr int64_t widths[] = {64, 128};

/// ConvWgmma::sharedBytes.
constexpr int64_t sharedBytes(int64_t columns) { return stages * (rows + columns) * depth * 2; }

/// 16 bytes of neighbours, of 8 elements; none of 0.
bool isWhole(DimAttr extent) {
  int64_t size = extent.getConstant().value_or(0);
  return size > 0 && size % 8 == 0;
}

SmallVector<TileCandidate> allCandidates() {
  SmallVector<TileCandidate> candidates;
  for (int64_t columns : widths)
    candidates.push_back({rows, columns, depth, threads, registers, sharedBytes(columns)});
  return candidates;
}

class ConvWgmma : public HeavyTemplate {
public:
  StringRef name() const override { return "conv_wgmma"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &target) const override {
    Type type = region.operandType(0).getElementType();
    if (!target.hasTensorMaps || !(type.isF16() || type.isBF16()) || region.operandType(1).getElementType() != type)
      return false;
    auto product = Product::get(region);
    if (!product || !product->conv || product->conv->isProduct() || !isWhole(product->conv->channels))
      return false;
    // Fewer filters leave most of a tile idle; the weights are a tensor map.
    return isWhole(product->n) && *product->n.getConstant() >= 48;
  }

  SmallVector<std::string> tactics(const HeavyRegion &, const CudaTarget &) const override {
    return nameTiles(name(), allCandidates());
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef name, const CudaTarget &target) const override {
    Product product = *Product::get(region);
    Type type = region.operandType(0).getElementType();
    SmallVector<TileCandidate> candidates = allCandidates();
    TileProblem problem = product.problem(region);
    problem.unit = tensorUnit(type);
    TileChoice choice = chooseTile("conv_wgmma", problem, candidates, target);
    std::string text = "ConvWgmma<" + cudaTypeName(type) + ", " + std::to_string(widths[choice.index]) + ", " +
                       std::to_string(stages) + ">";
    ProductTile tile{std::move(text),    1, "tenon/cuda/conv_wgmma.cuh", candidates[choice.index], choice.tactic,
                     OperandForm::MapOfB};
    return emitProduct(region, name, product, tile);
  }
};

} // namespace

const HeavyTemplate &getConvWgmma() {
  static const ConvWgmma convWgmma;
  return convWgmma;
}

} // namespace tenon::codegen::cuda
