//===- ConvDepthwise.cpp - Convolutions with one filter per channel -------===//
#include "ConvGeometry.h"

#include "../Printer/CudaPrinter.h"
#include "tenon/Codegen/Common/Evaluator.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {
namespace {

class ConvDepthwise : public HeavyTemplate {
public:
  StringRef name() const override { return "depthwise"; }

  bool accepts(const HeavyRegion &region, const CudaTarget &) const override {
    auto conv = ConvGeometry::get(region);
    Type type = region.operandType(0).getElementType();
    return conv && conv->isDepthwise && region.formatOf(1) == "hwio" &&
           (type.isF32() || type.isF16() || type.isBF16()) && region.operandType(1).getElementType() == type;
  }

  FailureOr<CudaKernel> emit(const HeavyRegion &region, StringRef name, const CudaTarget &) const override;
};

FailureOr<CudaKernel> ConvDepthwise::emit(const HeavyRegion &region, StringRef name, const CudaTarget &) const {
  constexpr int64_t threads = 128, columns = 4;
  ConvGeometry conv = *ConvGeometry::get(region);
  // 16 bytes of channels where all of them are whole; 8 of f32 would take more registers than they save loads.
  Type type = region.operandType(0).getElementType();
  int64_t channels = *conv.channels.getConstant(), width = 16 / (type.getIntOrFloatBitWidth() / 8);
  while (channels % width != 0)
    width /= 2;
  FailureOr<Functor> epilogue = emitEpilogue(region, (name + "_Epilogue").str(), {});
  if (failed(epilogue))
    return failure();
  TemplateKernel text(region, name, *epilogue);
  conv.declareShape(text);
  text.line("using Tile = Depthwise<" + cudaTypeName(type) + ", " + Twine(width) + ", " + Twine(columns) + ", " +
            Twine(threads) + ">;");
  text.line("const int64_t pixels = shape.pixels();");
  text.line("Tile::run(shape, " + text.operand(0) + ", " + text.operand(1) + ",");
  text.line("          " + text.store("pixels", "channels") + ");");
  DimAttr work = conv.images * conv.outHeight * ceilDiv(conv.outWidth, columns) * ceilDiv(conv.channels, width);
  DimAttr none = DimAttr::constant(region.heavy->getContext(), 0);
  return text.finish(ceilDiv(work, threads), threads, 4, none, "tenon/cuda/conv.cuh");
}

} // namespace

const HeavyTemplate &getConvDepthwise() {
  static const ConvDepthwise depthwise;
  return depthwise;
}

} // namespace tenon::codegen::cuda
