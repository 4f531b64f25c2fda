//===- ImportSlice.cpp - Slice and Split -----------------------------------===//
//
// ONNX's rules for starts and ends (negative counts from the end, then clamped into the dimension) are written as
// expressions where the extents are symbolic.
//
//===----------------------------------------------------------------------===//
#include "NodeImporter.h"
#include "Registry.h"
#include "RunTimeAxes.h"
#include "RunTimeIndex.h"
#include "SliceBounds.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {

DimAttr fromStart(DimAttr index, DimAttr extent) {
  if (auto value = index.getConstant())
    return *value >= 0 ? index : *value <= -INT32_MAX ? index : extent + index;
  if (index.isNonNegative())
    return index;
  return index + extent * isLess(index, DimAttr::constant(index.getContext(), 0));
}

SliceBounds resolveSlice(DimAttr start, DimAttr end, int64_t step, DimAttr extent) {
  DimAttr zero = DimAttr::constant(extent.getContext(), 0);
  // Into [0, extent]; counted from the end, an index is below the extent.
  auto clamp = [&](DimAttr index) {
    DimAttr low = max(fromStart(index, extent), zero);
    return index.getConstant().value_or(0) < 0 ? low : min(low, extent);
  };
  if (step > 0) {
    // To the end of the dimension: max(extent - start, 0) needs no clamped start.
    bool toEnd = end == extent || end.getConstant().value_or(0) >= INT32_MAX;
    DimAttr length = toEnd ? extent - max(fromStart(start, extent), zero) : clamp(end) - clamp(start);
    return {clamp(start), max(ceilDiv(length, step), zero)};
  }
  DimAttr last = extent - 1, before = DimAttr::constant(extent.getContext(), -1);
  start = max(min(fromStart(start, extent), last), zero);
  end = min(max(fromStart(end, extent), before), last);
  DimAttr length = max(ceilDiv(start - end, -step), zero);
  // Where there is no element, the clamped start is not one.
  return {start, (extent - 1).isNonNegative() ? length : min(length, extent)};
}

namespace {

/// starts, ends, axes and steps: attributes before opset 10, operands since.
struct SliceOperands {
  Dims starts, ends;
  std::optional<Ints> axes;
  Ints steps;
};

FailureOr<SliceOperands> readSlice(NodeImporter &n) {
  SliceOperands s;
  if (n.opset < 10) {
    auto toDims = [&](const Ints &values) { return llvm::map_to_vector(values, [&](int64_t v) { return n.dim(v); }); };
    s.starts = toDims(n.intsAttr("starts").value_or(Ints()));
    s.ends = toDims(n.intsAttr("ends").value_or(Ints()));
    s.axes = n.intsAttr("axes");
    s.steps.assign(s.starts.size(), 1);
    return s;
  }
  auto starts = n.shapeOperand(1), ends = n.shapeOperand(2);
  if (failed(starts) || failed(ends))
    return failure();
  s.starts = *starts;
  s.ends = *ends;
  s.steps.assign(s.starts.size(), 1);
  if (n.hasInput(3)) {
    auto axes = n.constantOperand(3);
    if (failed(axes))
      return failure();
    s.axes = *axes;
  }
  if (n.hasInput(4)) {
    auto steps = n.constantOperand(4);
    if (failed(steps))
      return failure();
    s.steps = *steps;
  }
  return s;
}

/// A slice whose axes or steps only a run knows.
LogicalResult importRunTimeSlice(NodeImporter &n, Value x) {
  auto starts = n.shapeOperand(1), ends = n.shapeOperand(2);
  auto axes = n.hasInput(3) ? n.shapeOperand(3) : FailureOr<Dims>(Dims());
  if (failed(starts) || failed(ends) || failed(axes))
    return failure();
  auto steps = n.hasInput(4) ? n.shapeOperand(4) : FailureOr<Dims>(Dims(starts->size(), n.dim(1)));
  if (failed(steps))
    return failure();
  const Dims *named = n.hasInput(3) ? &*axes : nullptr;
  if (ends->size() != starts->size() || steps->size() != starts->size() ||
      (named ? named->size() != starts->size() : starts->size() > size_t(rankOf(x))))
    return n.error(Code::WrongOperands) << "starts, ends, axes and steps differ in length";
  if (named) {
    AxisFlags(n, *named, rankOf(x)); // requires that they be in range
    // "To the end" as the largest integer: sums over the axes would overflow.
    constexpr int64_t beyond = int64_t(1) << 40;
    for (DimAttr &bound : llvm::concat<DimAttr>(*starts, *ends))
      if (auto value = bound.getConstant())
        bound = n.dim(std::clamp(*value, -beyond, beyond));
  }
  return n.setOutput(sliceAtRunTime(n, x, {*starts, named}, {*ends, named}, {*steps, named}));
}

LogicalResult importSlice(NodeImporter &n) {
  Value x = n.input(0);
  if (x && n.opset >= 10 && (getRunTimeAxes(n, 3) || getRunTimeAxes(n, 4)))
    return importRunTimeSlice(n, x);
  auto s = x ? readSlice(n) : FailureOr<SliceOperands>(failure());
  if (failed(s))
    return failure();
  Ints axes = s->axes.value_or(llvm::to_vector(llvm::seq<int64_t>(0, int64_t(s->starts.size()))));
  if (s->ends.size() != s->starts.size() || axes.size() != s->starts.size() || s->steps.size() != s->starts.size())
    return n.error(Code::WrongOperands) << "starts, ends, axes and steps differ in length";
  if (failed(n.normalizeAxes(axes, rankOf(x))))
    return failure();
  Dims dims = dimsOf(x), starts(dims.size(), n.dim(0));
  Ints steps(dims.size(), 1);
  for (auto [axis, start, end, step] : llvm::zip(axes, s->starts, s->ends, s->steps)) {
    if (step == 0 || step < -INT32_MAX || step > INT32_MAX)
      return n.error(Code::WrongOperands) << "step " << step << " is not supported";
    size_t i = size_t(axis < 0 ? axis + rankOf(x) : axis);
    auto bounds = resolveSlice(start, end, step, dims[i]);
    starts[i] = bounds.start;
    dims[i] = bounds.extent;
    steps[i] = step;
  }
  if (failed(n.checkComplexity(starts)))
    return failure();
  auto type = getTensorType(dims, typeOf(x).getElementType());
  return n.setOutput(n.createTyped<SliceOp>(type, x, ShapeAttr::get(n.context, starts), steps));
}

/// The extents of the parts: stated, or as equal as can be with the smaller one last.
FailureOr<Dims> readSplit(NodeImporter &n, DimAttr extent) {
  if (n.opset < 13) {
    if (auto split = n.intsAttr("split"))
      return llvm::map_to_vector(*split, [&](int64_t v) { return n.dim(v); });
  } else if (n.hasInput(1)) {
    return n.shapeOperand(1);
  }
  int64_t parts = n.intAttr("num_outputs", int64_t(n.getNumOutputs()));
  if (parts < 1 || parts != int64_t(n.getNumOutputs()))
    return n.error(Code::WrongAttribute) << parts << " parts for " << n.getNumOutputs() << " outputs";
  DimAttr chunk = ceilDiv(extent, parts);
  Dims split(size_t(parts), chunk);
  split.back() = extent - chunk * (parts - 1);
  return split;
}

LogicalResult importSplit(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  auto axis = n.normalizeAxis(n.intAttr("axis", 0), rankOf(x));
  if (failed(axis))
    return failure();
  Dims dims = dimsOf(x), starts(dims.size(), n.dim(0));
  DimAttr extent = dims[size_t(*axis)];
  auto split = readSplit(n, extent);
  if (failed(split))
    return failure();
  if (split->size() != n.getNumOutputs())
    return n.error(Code::WrongOperands) << split->size() << " parts for " << n.getNumOutputs() << " outputs";
  DimAttr sum = n.dim(0);
  for (DimAttr part : *split) {
    if (part.getConstant().value_or(0) < 0)
      return n.error(Code::WrongOperands) << "a part has extent " << *part.getConstant();
    sum = sum + part;
  }
  if (auto left = (sum - extent).getConstant(); left && *left != 0)
    return n.error(Code::ShapeMismatch) << "the parts do not add up to the extent of axis " << *axis;
  n.requireEqual(sum, extent);
  DimAttr start = n.dim(0);
  for (auto [i, part] : llvm::enumerate(*split)) {
    starts[size_t(*axis)] = start;
    dims[size_t(*axis)] = part;
    start = start + part;
    if (!n.wantsOutput(i))
      continue;
    auto type = getTensorType(dims, typeOf(x).getElementType());
    if (failed(n.checkComplexity(starts)) ||
        failed(
            n.setOutput(i, n.createTyped<SliceOp>(type, x, ShapeAttr::get(n.context, starts), Ints(dims.size(), 1)))))
      return failure();
  }
  return success();
}

} // namespace

void addSliceRules(Registry &r) {
  r.add("Slice", 1, importSlice);
  r.add("Split", 1, importSplit);
}

} // namespace tenon::importer
