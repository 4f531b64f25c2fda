//===- RunTimeAxes.cpp - Axes that only a run knows -------------------------===//
#include "RunTimeAxes.h"

#include "Graph/IR/InputElement.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

// In the arithmetic that extents have; min and max keep the normal form from multiplying sums out.

DimAttr isEqual(DimAttr a, DimAttr b) {
  DimAttr zero = DimAttr::constant(a.getContext(), 0);
  return max(max(a - b, b - a) * -1 + 1, zero);
}

DimAttr isLess(DimAttr a, DimAttr b) {
  MLIRContext *context = a.getContext();
  return min(max(b - a, DimAttr::constant(context, 0)), DimAttr::constant(context, 1));
}

DimAttr chooseExtent(DimAttr condition, DimAttr a, DimAttr b) {
  return max(b + condition * (a - b), DimAttr::constant(a.getContext(), 0));
}

DimAttr getRunTimeNumber(NodeImporter &n, size_t i, size_t element) {
  auto argument = n.hasInput(i) ? dyn_cast_or_null<BlockArgument>(n.getInput(i)->op) : BlockArgument();
  if (!argument || !typeOf(argument).getElementType().isF32() || !typeOf(argument).hasStaticShape() ||
      rankOf(argument) > 1 || int64_t(element) >= typeOf(argument).getNumElements())
    return {};
  return inputElement(n.context, argument.getArgNumber(), unsigned(element));
}

bool dependsOnElements(DimAttr e) {
  llvm::SetVector<StringAttr> symbols;
  e.collectSymbols(symbols);
  return llvm::any_of(symbols, [](StringAttr symbol) { return parseInputElement(symbol.getValue()).has_value(); });
}

const Dims *getRunTimeAxes(NodeImporter &n, size_t i) { return n.knownInts(i) ? nullptr : n.known(i); }

AxisFlags::AxisFlags(NodeImporter &n, const Dims &axes, int64_t rank) : n(n), numAxes(axes.size()) {
  DimAttr total = n.dim(0);
  for (int64_t i = 0; i < rank; ++i) {
    DimAttr count = n.dim(0);
    for (DimAttr axis : axes)
      count = count + isEqual(axis, n.dim(i)) + isEqual(axis, n.dim(i - rank));
    flags.push_back(min(count, n.dim(1)));
    total = total + flags.back();
  }
  n.requireEqual(total, n.dim(int64_t(numAxes)), "axes in range that differ");
}

DimAttr AxisFlags::countBefore(size_t i) const {
  DimAttr count = n.dim(0);
  for (size_t k = 0; k < i; ++k)
    count = count + flags[k];
  return count;
}

/// 1 if dimension `i` is not named and `position` is `wanted`.
DimAttr AxisFlags::pick(size_t i, DimAttr position, int64_t wanted) const {
  return min(flags[i] * -1 + 1, isEqual(position, n.dim(wanted)));
}

Dims AxisFlags::drop(const Dims &dims) const {
  Dims result;
  for (size_t j = 0; j + numAxes < dims.size(); ++j) {
    DimAttr extent = n.dim(0);
    for (size_t i = j; i <= j + numAxes; ++i) // its place in the result is i less the named ones before it
      extent = extent + pick(i, countBefore(i), int64_t(i - j)) * dims[i];
    result.push_back(max(extent, n.dim(0)));
  }
  return result;
}

Dims AxisFlags::insertOnes(const Dims &dims) const {
  Dims result;
  for (size_t i = 0; i < dims.size() + numAxes; ++i) {
    DimAttr extent = flags[i];
    for (size_t k = i < numAxes ? 0 : i - numAxes; k <= i && k < dims.size(); ++k)
      extent = extent + pick(i, countBefore(i), int64_t(i - k)) * dims[k];
    result.push_back(max(extent, n.dim(0)));
  }
  return result;
}

Dims AxisFlags::split(const Dims &dims) const {
  DimAttr before = n.dim(1), named = n.dim(0), behind = n.dim(1);
  for (auto [i, dim] : llvm::enumerate(dims)) {
    DimAttr isBehind = min(countBefore(i), n.dim(1)), isAtMost = min(countBefore(i + 1), n.dim(1));
    before = before * chooseExtent(isAtMost, n.dim(1), dim);
    named = named + flags[i] * dim;
    behind = behind * chooseExtent(isBehind, dim, n.dim(1));
  }
  return {before, max(named, n.dim(0)), behind};
}

} // namespace tenon::importer
