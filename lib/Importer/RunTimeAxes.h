//===- RunTimeAxes.h - Axes that only a run knows ---------------------------===//
//
// Axes may be an input of the model. Which dimensions they name is then an expression, 1 or 0, and what an operator
// does along them becomes a reshape to extents that depend on it and the same operator along fixed axes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_RUNTIMEAXES_H
#define TENON_IMPORTER_RUNTIMEAXES_H

#include "NodeImporter.h"

namespace tenon::importer {

/// 1 if a = b, else 0.
DimAttr isEqual(DimAttr a, DimAttr b);
/// 1 if a < b, else 0.
DimAttr isLess(DimAttr a, DimAttr b);
/// condition ? a : b, for a condition of 1 or 0 and values that are not negative.
DimAttr chooseExtent(DimAttr condition, DimAttr a, DimAttr b);

/// Element `element` of operand `i` in units of 2^-32, if that is an input of the model of type f32; else null.
DimAttr getRunTimeNumber(NodeImporter &n, size_t i, size_t element);

/// Whether the value depends on the elements of an input, so that it may be negative.
bool dependsOnElements(DimAttr e);

/// The elements of operand `i` if it is given and they are known, but not as numbers.
const Dims *getRunTimeAxes(NodeImporter &n, size_t i);

/// Dimensions of a tensor of which some are named by axes.
class AxisFlags {
public:
  /// Requires of every run that the axes are in range and differ. The first `rank` dimensions are meant.
  AxisFlags(NodeImporter &n, const Dims &axes, int64_t rank);

  /// 1 if dimension `i` is named, else 0.
  DimAttr isNamed(size_t i) const { return flags[i]; }
  /// How many of the dimensions before `i` are named.
  DimAttr countBefore(size_t i) const;
  /// `dims` without those that are named.
  Dims drop(const Dims &dims) const;
  /// `dims` with extents of 1 put in where dimensions of the result are named.
  Dims insertOnes(const Dims &dims) const;
  /// The product of `dims` before the one that is named, that one, and the product of those behind it.
  Dims split(const Dims &dims) const;

private:
  DimAttr pick(size_t i, DimAttr position, int64_t wanted) const;

  NodeImporter &n;
  size_t numAxes;
  Dims flags;
};

} // namespace tenon::importer

#endif // TENON_IMPORTER_RUNTIMEAXES_H
