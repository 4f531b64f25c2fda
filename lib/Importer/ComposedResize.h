//===- ComposedResize.h - Forms of Resize that are no op of their own -------===//
#ifndef TENON_IMPORTER_COMPOSEDRESIZE_H
#define TENON_IMPORTER_COMPOSEDRESIZE_H

#include "NodeImporter.h"

namespace tenon::importer {

/// How Resize samples, by the names of its attributes.
struct ResizeForm {
  std::string mode, coordinates, rounding; ///< mode: nearest, linear or cubic
  double cubicCoefficient = -0.75, extrapolation = 0;
  bool excludesOutside = false;
  bool isSmoothed = false; ///< antialias: where there are fewer elements than before, each weighs more of them
};

/// One axis to be resampled.
struct ResizedAxis {
  int64_t axis;
  DimAttr extent;         ///< of the result
  Value scale;            ///< a scalar of f32; null: extent over that of the operand
  Value roiStart, roiEnd; ///< scalars of f32, of tf_crop_and_resize
};

/// x sampled axis by axis at coordinates that are computed in the graph, so that sizes and scales may come with a run.
/// Null with an error.
Value resizeComposed(NodeImporter &n, Value x, ArrayRef<ResizedAxis> axes, const ResizeForm &form);

} // namespace tenon::importer

#endif // TENON_IMPORTER_COMPOSEDRESIZE_H
