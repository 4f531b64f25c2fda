//===- RunTimeIndex.h - Slices and pads that only a run knows ---------------===//
//
// Where starts, steps or pads come from an input, each dimension is gathered at indices computed from them.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_RUNTIMEINDEX_H
#define TENON_IMPORTER_RUNTIMEINDEX_H

#include "NodeImporter.h"

namespace tenon::importer {

/// Numbers for some dimensions of a tensor; all may be expressions. Without `axes`, for the first dimensions.
struct PerAxis {
  Dims values;
  const Dims *axes;

  /// The number for dimension `i` of `rank`, or `absent` if there is none.
  DimAttr at(NodeImporter &n, size_t i, int64_t rank, DimAttr absent) const;
};

/// start, start + step, .. before `limit`, as elements of `elementType`; null with an error.
Value rangeAtRunTime(NodeImporter &n, DimAttr start, DimAttr limit, DimAttr step, mlir::Type elementType);

/// x from `starts` to `ends` by `steps`, by ONNX's rules; null with an error.
Value sliceAtRunTime(NodeImporter &n, Value x, const PerAxis &starts, const PerAxis &ends, const PerAxis &steps);

/// x with `begins` and `ends` more elements (or fewer, where negative) in `mode` constant, edge, reflect or wrap.
/// `fill` is a scalar for constant. Null with an error.
Value padAtRunTime(NodeImporter &n, Value x, const PerAxis &begins, const PerAxis &ends, StringRef mode, Value fill);

} // namespace tenon::importer

#endif // TENON_IMPORTER_RUNTIMEINDEX_H
