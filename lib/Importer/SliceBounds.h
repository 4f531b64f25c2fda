//===- SliceBounds.h - ONNX's rules for slices of one dimension ------------===//
#ifndef TENON_IMPORTER_SLICEBOUNDS_H
#define TENON_IMPORTER_SLICEBOUNDS_H

#include "Graph/IR/DimExpr.h"

namespace tenon::importer {

/// Where a slice starts (inside the dimension, or at its extent if it is empty) and how many elements it has.
struct SliceBounds {
  graph::DimAttr start, extent;
};

/// `index` counted from the start: index, or extent + index where it is negative.
graph::DimAttr fromStart(graph::DimAttr index, graph::DimAttr extent);

/// Resolves ONNX's start and end (which may be negative or out of range) for a dimension of `extent`; `step` is not 0
/// and has at most 32 bits.
SliceBounds resolveSlice(graph::DimAttr start, graph::DimAttr end, int64_t step, graph::DimAttr extent);

} // namespace tenon::importer

#endif // TENON_IMPORTER_SLICEBOUNDS_H
