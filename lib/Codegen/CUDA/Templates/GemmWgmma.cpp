//===- GemmWgmma.cpp - Products on tensor cores by TMA and wgmma ----------===//
#include "WgmmaTiles.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

constexpr int64_t widths[] = {128, 256}; // the preferred first

class GemmWgmma : public HeavyTemplate {
public:
  StringRef name() const override { return "gemm_wgmma"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &target) const override {
    if (!isForWgmma(region, target))
      return false;
    auto product = Product::get(region);
    if (!product || (product->conv && !product->conv->isProduct()) || !isWhole(product->k))
      return false;
    // Fewer columns than half a tile leave most of it idle: GemmMma has smaller ones.
    return product->n.getConstant().value_or(0) >= 64 && (product->transposedB || isWhole(product->n));
  }

  SmallVector<std::string> tactics(const HeavyRegion &, const CudaTarget &) const override {
    return nameTiles(name(), wgmmaTiles(widths));
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef kernel, const CudaTarget &target) const override {
    StringRef transposed = Product::get(region)->transposedB ? ", true" : ", false";
    return emitWgmma(region, kernel, target, "GemmWgmma", transposed, OperandForm::Maps, wgmmaTiles(widths), name());
  }
};

} // namespace

const HeavyTemplate &getGemmWgmma() {
  static const GemmWgmma gemmWgmma;
  return gemmWgmma;
}

} // namespace tenon::codegen::cuda
