//===- GemmSimt.cpp - f32 products on the ordinary cores ------------------===//
#include "Product.h"

#include "tenon/Cost/Family.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

/// Template arguments of GemmSimt; blocks of a multiprocessor, such that ptxas does not spill, and about how many
/// registers it takes then.
struct Shape {
  int64_t tileM, tileN, tileK, threadM, threadN, stages;
  int minBlocks, registers;

  int threads() const { return static_cast<int>(tileM / threadM * (tileN / threadN)); }
  int64_t sharedBytes(bool transposedB) const {
    return stages * tileK * (tileM + 4 + tileN + (transposedB ? 4 : 0)) * 4; // GemmSimt::sharedBytes
  }
};

constexpr Shape shapes[] = {
    {64, 64, 16, 4, 4, 2, 2, 95},
    {128, 64, 8, 8, 4, 2, 2, 110},
    {128, 32, 16, 4, 4, 2, 2, 95},
};

StringRef familyOf(const Product &product) { return product.conv ? "conv_simt" : "gemm_simt"; }

SmallVector<TileCandidate> candidatesFor(const Product &product) {
  SmallVector<TileCandidate> candidates;
  for (const Shape &s : shapes)
    candidates.push_back({s.tileM, s.tileN, s.tileK, s.threads(), s.registers, s.sharedBytes(product.transposedB),
                          cost::multiplyShare(static_cast<int>(s.threadM), static_cast<int>(s.threadN))});
  return candidates;
}

class GemmSimt : public HeavyTemplate {
public:
  StringRef name() const override { return "gemm_simt"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &) const override {
    auto isF32 = [](Value v) { return cast<RankedTensorType>(v.getType()).getElementType().isF32(); };
    // A dot product per row is no tile: the evaluator's loop is as good.
    auto product = Product::get(region);
    return product && !product->n.isConstant(1) && llvm::all_of(region.heavy->getOperands(), isF32);
  }

  SmallVector<std::string> tactics(const HeavyRegion &region, const CudaTarget &) const override {
    Product product = *Product::get(region);
    return nameTiles(familyOf(product), candidatesFor(product));
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef name, const CudaTarget &target) const override {
    Product product = *Product::get(region);
    SmallVector<TileCandidate> candidates = candidatesFor(product);
    TileChoice choice = chooseTile(familyOf(product), product.problem(region), candidates, target);
    const Shape &s = shapes[choice.index];
    std::string type = "GemmSimt<";
    for (int64_t value : {s.tileM, s.tileN, s.tileK, s.threadM, s.threadN, s.stages})
      type += std::to_string(value) + ", ";
    type += product.transposedB ? "true>" : "false>";
    ProductTile tile{std::move(type), s.minBlocks, "tenon/cuda/gemm_simt.cuh", candidates[choice.index], choice.tactic};
    return emitProduct(region, name, product, tile);
  }
};

} // namespace

const HeavyTemplate &getGemmSimt() {
  static const GemmSimt gemmSimt;
  return gemmSimt;
}

} // namespace tenon::codegen::cuda
