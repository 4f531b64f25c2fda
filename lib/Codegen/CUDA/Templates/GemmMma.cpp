//===- GemmMma.cpp - Products on tensor cores by mma.sync -----------------===//
#include "Product.h"

#include "../Printer/CudaPrinter.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// Template arguments of GemmMma but for the depth: a line of it has 64 bytes. Blocks of a multiprocessor, such that
/// ptxas does not spill (of f32 and of 16 bits), and about how many registers it takes then.
struct Shape {
  int64_t tileM, tileN, warpsM, warpsN, stages;
  int minBlocks[2], registers[2];

  int threads() const { return static_cast<int>(32 * warpsM * warpsN); }
  int64_t sharedBytes() const { return stages * (tileM + tileN) * 64; } // GemmMma::sharedBytes
};

constexpr Shape shapes[] = {
    {64, 64, 2, 2, 3, {4, 4}, {122, 120}},
    {128, 64, 4, 2, 3, {2, 2}, {122, 120}},
};

int64_t depthOf(Type type) { return 64 / (type.getIntOrFloatBitWidth() / 8); }
StringRef familyOf(const Product &product) { return product.conv ? "conv_mma" : "gemm_mma"; }

SmallVector<TileCandidate> candidatesFor(const HeavyRegion &region) {
  Type type = region.operandType(0).getElementType();
  SmallVector<TileCandidate> candidates;
  for (const Shape &s : shapes)
    candidates.push_back({s.tileM, s.tileN, depthOf(type), s.threads(), s.registers[!type.isF32()], s.sharedBytes()});
  return candidates;
}

class GemmMma : public HeavyTemplate {
public:
  StringRef name() const override { return "gemm_mma"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &target) const override {
    Type type = region.operandType(0).getElementType();
    if (!(type.isF16() || type.isBF16() || (type.isF32() && target.allowTf32)) ||
        region.operandType(1).getElementType() != type)
      return false;
    auto product = Product::get(region);
    return product && !product->n.isConstant(1);
  }

  SmallVector<std::string> tactics(const HeavyRegion &region, const CudaTarget &) const override {
    return nameTiles(familyOf(*Product::get(region)), candidatesFor(region));
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef name, const CudaTarget &target) const override {
    Product product = *Product::get(region);
    Type type = region.operandType(0).getElementType();
    const int64_t depth = depthOf(type);
    unsigned isHalf = !type.isF32();
    SmallVector<TileCandidate> candidates = candidatesFor(region);
    TileProblem problem = product.problem(region);
    problem.unit = tensorUnit(type);
    TileChoice choice = chooseTile(familyOf(product), problem, candidates, target);
    const Shape &s = shapes[choice.index];
    std::string text = "GemmMma<" + cudaTypeName(type);
    for (int64_t value : {s.tileM, s.tileN, depth, s.warpsM, s.warpsN, s.stages})
      text += ", " + std::to_string(value);
    text += product.transposedB ? ", true>" : ", false>";
    ProductTile tile{std::move(text), s.minBlocks[isHalf], "tenon/cuda/gemm_mma.cuh", candidates[choice.index],
                     choice.tactic};
    return emitProduct(region, name, product, tile);
  }
};

} // namespace

const HeavyTemplate &getGemmMma() {
  static const GemmMma gemmMma;
  return gemmMma;
}

} // namespace tenon::codegen::cuda
