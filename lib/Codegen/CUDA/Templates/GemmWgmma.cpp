//===- GemmWgmma.cpp - Products on tensor cores by TMA and wgmma ----------===//
#include "Product.h"

#include "../Printer/CudaPrinter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// TMA wants strides of 16 bytes, 8 elements, and extents that are not 0.
bool isWhole(DimAttr extent) {
  auto fixed = extent.getConstant();
  return fixed && *fixed > 0 && *fixed % 8 == 0;
}

constexpr int64_t rows = 128, depth = 64, stages = 4;
constexpr int threads = 384, registers = 168;
constexpr int64_t widths[] = {128, 256}; // the preferred first

/// GemmWgmma::sharedBytes.
constexpr int64_t sharedBytes(int64_t columns) { return stages * (rows + columns) * depth * 2; }

SmallVector<TileCandidate> allCandidates() {
  SmallVector<TileCandidate> candidates;
  for (int64_t columns : widths)
    candidates.push_back({rows, columns, depth, threads, registers, sharedBytes(columns)});
  return candidates;
}

class GemmWgmma : public HeavyTemplate {
public:
  StringRef name() const override { return "gemm_wgmma"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &target) const override {
    Type type = region.operandType(0).getElementType();
    if (!target.hasTensorMaps || !(type.isF16() || type.isBF16()) || region.operandType(1).getElementType() != type)
      return false;
    auto product = Product::get(region);
    if (!product || (product->conv && !product->conv->isProduct()) || !isWhole(product->k))
      return false;
    // Fewer columns than half a tile leave most of it idle: GemmMma has smaller ones.
    return product->n.getConstant().value_or(0) >= 64 && (product->transposedB || isWhole(product->n));
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
    TileChoice choice = chooseTile("gemm_wgmma", problem, candidates, target);
    std::string text = "GemmWgmma<" + cudaTypeName(type) + ", " + std::to_string(widths[choice.index]) + ", " +
                       std::to_string(stages) + (product.transposedB ? ", true>" : ", false>");
    ProductTile tile{std::move(text),  1, "tenon/cuda/gemm_wgmma.cuh", candidates[choice.index], choice.tactic,
                     OperandForm::Maps};
    return emitProduct(region, name, product, tile);
  }
};

} // namespace

const HeavyTemplate &getGemmWgmma() {
  static const GemmWgmma gemmWgmma;
  return gemmWgmma;
}

} // namespace tenon::codegen::cuda
