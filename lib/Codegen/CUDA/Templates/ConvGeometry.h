//===- ConvGeometry.h - Convolutions that conv.cuh computes ---------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_CONVGEOMETRY_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_CONVGEOMETRY_H

#include "TemplateKernel.h"

namespace tenon::codegen::cuda {

/// A two-dimensional convolution with channels last and weights of known extents, of one group or of one per channel.
struct ConvGeometry {
  graph::DimAttr images, height, width, channels, outHeight, outWidth, outChannels;
  int64_t kernel[2], strides[2], pads[2], dilations[2]; ///< of y and x; pads: before the first pixel
  bool isDepthwise = false;

  /// The heavy op of `region` as one; nothing if it is another op or another kind of convolution.
  static std::optional<ConvGeometry> get(const HeavyRegion &region);

  /// True for a kernel of one pixel at every pixel: the product of pixels and weights.
  bool isProduct() const;
  graph::DimAttr pixels() const { return images * outHeight * outWidth; }
  graph::DimAttr depth() const { return channels * (kernel[0] * kernel[1]); }
  /// Adds the extents as parameters of a kernel and declares `shape`, a ConvShape.
  void declareShape(TemplateKernel &text) const;
};

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_CONVGEOMETRY_H
