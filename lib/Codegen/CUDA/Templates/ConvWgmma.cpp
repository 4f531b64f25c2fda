//===- ConvWgmma.cpp - Convolutions on tensor cores by wgmma --------------===//
#include "WgmmaTiles.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

constexpr int64_t widths[] = {64, 128};

class ConvWgmma : public HeavyTemplate {
public:
  StringRef name() const override { return "conv_wgmma"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &target) const override {
    if (!isForWgmma(region, target))
      return false;
    auto product = Product::get(region);
    if (!product || !product->conv || product->conv->isProduct() || !isWhole(product->conv->channels))
      return false;
    // Fewer filters leave most of a tile idle; the weights are a tensor map.
    return isWhole(product->n) && *product->n.getConstant() >= 48;
  }

  SmallVector<std::string> tactics(const HeavyRegion &, const CudaTarget &) const override {
    return nameTiles(name(), wgmmaTiles(widths));
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef kernel, const CudaTarget &target) const override {
    return emitWgmma(region, kernel, target, "ConvWgmma", "", OperandForm::MapOfB, wgmmaTiles(widths), name());
  }
};

} // namespace

const HeavyTemplate &getConvWgmma() {
  static const ConvWgmma convWgmma;
  return convWgmma;
}

} // namespace tenon::codegen::cuda
