//===- Window.h - Attributes of sliding windows ----------------------------===//
#ifndef TENON_IMPORTER_WINDOW_H
#define TENON_IMPORTER_WINDOW_H

#include "NodeImporter.h"

namespace tenon::importer {

/// The attributes convolutions and pools share, defaults and auto_pad resolved; r entries each, 2r in `pads`.
struct Window {
  Ints kernel, strides, pads, dilations;
};

/// Reads them for an input with spatial extents `extents` and a window of `kernel`. `isTransposed`: the pads of SAME
/// are not resolved (they depend on the output).
FailureOr<Window> readWindow(NodeImporter &node, ArrayRef<DimAttr> extents, Ints kernel, bool isTransposed = false);

/// Where in x the maximum of each window of `maxima` lies, the first if there are several: an index into all of x,
/// whose spatial dimensions count column by column if `isColumnMajor`. Null with an error.
Value maxPoolIndices(NodeImporter &node, Value x, Value maxima, const Window &window, bool isColumnMajor);

/// The kernel of a convolution from its weights' extents, checked against `kernel_shape`.
FailureOr<Ints> readKernel(NodeImporter &node, RankedTensorType weights);

} // namespace tenon::importer

#endif // TENON_IMPORTER_WINDOW_H
