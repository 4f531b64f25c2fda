//===- ConvGeometry.cpp - Convolutions that conv.cuh computes -------------===//
#include "ConvGeometry.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen::cuda {

std::optional<ConvGeometry> ConvGeometry::get(const HeavyRegion &region) {
  auto conv = dyn_cast<ConvOp>(region.heavy);
  if (!conv || !conv.getChannelsLast() || conv.getStrides().size() != 2 || !region.operandType(1).hasStaticShape())
    return std::nullopt;
  auto x = getDims(region.operandType(0)), w = getDims(region.operandType(1)), y = getDims(region.resultType());
  ConvGeometry g{x[0], x[1], x[2], x[3], y[1], y[2], y[3], {}, {}, {}, {}};
  for (int i : {0, 1}) {
    g.kernel[i] = region.operandType(1).getDimSize(2 + i);
    g.strides[i] = conv.getStrides()[i];
    g.pads[i] = conv.getPads()[i];
    g.dilations[i] = conv.getDilations()[i];
  }
  if (conv.getGroup() == 1)
    return g;
  g.isDepthwise = w[0].isConstant(conv.getGroup()) && w[1].isConstant(1);
  return g.isDepthwise ? std::optional(g) : std::nullopt;
}

bool ConvGeometry::isProduct() const {
  auto isUnit = [](const int64_t (&values)[2], int64_t unit) { return values[0] == unit && values[1] == unit; };
  // No pads behind the last pixel either, or there would be more results than pixels.
  return !isDepthwise && isUnit(kernel, 1) && isUnit(strides, 1) && isUnit(pads, 0) && height == outHeight &&
         width == outWidth;
}

void ConvGeometry::declareShape(TemplateKernel &text) const {
  std::pair<StringRef, DimAttr> extents[] = {{"images", images},     {"height", height},       {"width", width},
                                             {"channels", channels}, {"outHeight", outHeight}, {"outWidth", outWidth}};
  std::string list;
  for (auto [name, extent] : extents) {
    text.addParam(name, extent);
    list += (list.empty() ? "int(" : ", int(") + name.str() + ")";
  }
  text.line("// Extents of images; then of the kernel, strides, pads, dilations, each of y and x.");
  text.line("const ConvShape shape{" + list + ",");
  list.clear();
  for (const auto &pair : {kernel, strides, pads, dilations})
    for (int i : {0, 1})
      list += (list.empty() ? "" : ", ") + std::to_string(pair[i]);
  text.line("                      " + list + "};");
}

} // namespace tenon::codegen::cuda
