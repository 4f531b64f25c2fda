//===- ImportResize.cpp - Resize and Upsample ------------------------------===//
//
// Upsample and Resize-10 sample at x / scale (asymmetric, nearest rounds down); Resize-11 states coordinates, rounding,
// and either scales or sizes; 18 adds axes, antialias and a policy for aspect ratios.
//
//===----------------------------------------------------------------------===//
#include "Compose.h"
#include "ComposedResize.h"
#include "Registry.h"
#include "RunTimeAxes.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

/// floor(extent * scale), exact: a float is an integer over a power of two.
FailureOr<DimAttr> scaleExtent(NodeImporter &n, DimAttr extent, double scale) {
  if (!(scale > 0) || scale > double(INT32_MAX))
    return n.error(Code::WrongOperands) << "scale " << scale << " is not positive";
  int exponent;
  auto numerator = int64_t(std::ldexp(std::frexp(scale, &exponent), 24));
  int shift = 24 - exponent;
  while (shift > 0 && numerator % 2 == 0) {
    numerator /= 2;
    --shift;
  }
  if (shift <= 0)
    return extent * (numerator << -shift);
  if (shift > 38)
    return n.error(Code::UnsupportedForm, "state the extent by operand sizes") << "scale " << scale << " is too small";
  return floorDiv(extent * numerator, int64_t(1) << shift);
}

FailureOr<std::pair<Dims, SmallVector<double>>> applyScales(NodeImporter &n, const Dims &from, ArrayRef<double> scales,
                                                            ArrayRef<int64_t> axes) {
  if (scales.size() != axes.size())
    return n.error(Code::WrongOperands) << scales.size() << " scales for " << axes.size() << " axes";
  Dims dims = from;
  SmallVector<double> all(from.size(), 1.0);
  for (auto [axis, scale] : llvm::zip(axes, scales)) {
    auto scaled = scaleExtent(n, from[size_t(axis)], scale);
    if (failed(scaled))
      return failure();
    dims[size_t(axis)] = *scaled;
    all[size_t(axis)] = scale;
  }
  return std::pair(dims, all);
}

LogicalResult finish(NodeImporter &n, Value x, ArrayRef<DimAttr> dims, ArrayRef<double> scales, StringRef mode,
                     StringRef coordinates, StringRef rounding) {
  auto scalesAttr = scales.empty() ? DenseF64ArrayAttr() : DenseF64ArrayAttr::get(n.context, scales);
  auto type = getTensorType(dims, typeOf(x).getElementType());
  return n.setOutput(n.createTyped<ResizeOp>(type, x, scalesAttr, mode, coordinates, rounding));
}

LogicalResult readModes(NodeImporter &n, ResizeForm &form) {
  auto mode = n.choiceAttr("mode", "nearest", {"nearest", "linear", "cubic"});
  if (failed(mode))
    return failure();
  form.mode = *mode;
  form.coordinates = "asymmetric";
  form.rounding = "floor";
  if (n.opset < 11)
    return success();
  auto coordinates = n.choiceAttr("coordinate_transformation_mode", "half_pixel",
                                  {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
                                   "half_pixel_symmetric", "tf_crop_and_resize"});
  auto rounding =
      n.choiceAttr("nearest_mode", "round_prefer_floor", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  if (failed(coordinates) || failed(rounding))
    return failure();
  form.coordinates = *coordinates;
  form.rounding = *rounding;
  return success();
}

/// Element `i` of a list of numbers, as a scalar of f32; null with an error.
Value elementOf(NodeImporter &n, size_t operand, int64_t i) {
  Compose c{n};
  return c.cast(c.pick(n.input(operand), 0, i), c.f32());
}

/// The extent that a scale gives which only a run knows: an element of an input.
FailureOr<DimAttr> scaleAtRunTime(NodeImporter &n, size_t operand, size_t i, DimAttr extent) {
  DimAttr scale = getRunTimeNumber(n, operand, i);
  if (!scale)
    return n.error(Code::DataDependentShape) << "scales must be a constant or an input of the model";
  return max(floorDiv(extent * scale, int64_t(1) << 32), n.dim(0));
}

/// The extents and scales of sizes that keep the ratio of the axes.
LogicalResult keepRatio(NodeImporter &n, const Dims &from, ArrayRef<DimAttr> sizes, bool isLarger,
                        SmallVector<ResizedAxis> &axes) {
  Compose c{n};
  Value scale;
  for (auto [axis, size] : llvm::zip(axes, sizes)) {
    Value ratio = c.div(c.extent(size, c.f32()), c.extent(from[size_t(axis.axis)], c.f32()));
    scale = !scale ? ratio : isLarger ? c.max(scale, ratio) : c.min(scale, ratio);
    if (!scale)
      return failure();
  }
  for (ResizedAxis &axis : axes) {
    DimAttr in = from[size_t(axis.axis)], extent;
    for (auto [other, size] : llvm::zip(axes, sizes)) { // size / from * in, rounded
      DimAttr base = from[size_t(other.axis)], rounded = floorDiv(size * in * 2 + base, base * 2);
      extent = !extent ? rounded : isLarger ? max(extent, rounded) : min(extent, rounded);
    }
    axis.extent = extent;
    axis.scale = scale;
  }
  return success();
}

/// Extents and scales of the axes, from operand `scales` or from the sizes.
FailureOr<SmallVector<ResizedAxis>> readAxes(NodeImporter &n, Value x, ArrayRef<int64_t> named, size_t scalesOperand,
                                             bool hasScales) {
  Dims from = dimsOf(x);
  SmallVector<ResizedAxis> axes;
  for (int64_t axis : named)
    axes.push_back({axis, from[size_t(axis)], {}, {}, {}});
  if (hasScales) {
    auto known = n.knownFloats(scalesOperand);
    RankedTensorType type = n.inputType(scalesOperand);
    if (!type || type.getRank() != 1 || type.getDimSize(0) != int64_t(axes.size()))
      return n.error(Code::WrongOperands) << "there must be a scale for each of the " << axes.size() << " axes";
    for (auto [i, axis] : llvm::enumerate(axes)) {
      auto extent = known ? scaleExtent(n, axis.extent, (*known)[i]) : scaleAtRunTime(n, scalesOperand, i, axis.extent);
      axis.scale = succeeded(extent) ? elementOf(n, scalesOperand, int64_t(i)) : Value();
      if (!axis.scale)
        return failure();
      axis.extent = *extent;
    }
    return axes;
  }
  auto sizes = n.shapeOperand(3);
  if (failed(sizes))
    return failure();
  if (sizes->size() != axes.size())
    return n.error(Code::WrongOperands) << sizes->size() << " sizes for " << axes.size() << " axes";
  auto policy = n.choiceAttr("keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"});
  if (failed(policy) || (*policy != "stretch" && failed(keepRatio(n, from, *sizes, *policy == "not_smaller", axes))))
    return failure();
  for (auto [axis, size] : llvm::zip(axes, *sizes))
    axis.extent = policy == "stretch" ? size : axis.extent;
  return axes;
}

/// What graph.resize does not say: cubic, a region, a kept ratio, scales of a run.
LogicalResult importComposed(NodeImporter &n, Value x, const ResizeForm &form, ArrayRef<int64_t> named,
                             size_t scalesOperand, bool hasScales) {
  auto axes = readAxes(n, x, named, scalesOperand, hasScales);
  if (failed(axes))
    return failure();
  if (form.coordinates == "tf_crop_and_resize") {
    RankedTensorType type = n.inputType(1);
    if (!type || type.getRank() != 1 || type.getDimSize(0) != int64_t(2 * axes->size()))
      return n.error(Code::WrongOperands) << "roi must have two numbers for each of the " << axes->size() << " axes";
    for (auto [i, axis] : llvm::enumerate(*axes)) {
      axis.roiStart = elementOf(n, 1, int64_t(i));
      axis.roiEnd = elementOf(n, 1, int64_t(i + axes->size()));
    }
  }
  return n.setOutput(resizeComposed(n, x, *axes, form));
}

LogicalResult importUpsample(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  SmallVector<double> scales;
  if (const auto *attribute = n.opset < 9 ? n.findAttr("scales") : nullptr) {
    scales.assign(attribute->floats().begin(), attribute->floats().end());
  } else if (n.opset < 7) {
    scales = {1, 1, n.floatAttr("height_scale", 1), n.floatAttr("width_scale", 1)};
  } else {
    auto known = n.knownFloats(1);
    if (!known)
      return importComposed(n, x, {n.stringAttr("mode", "nearest"), "asymmetric", "floor"},
                            llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x))), 1, true);
    scales = *known;
  }
  auto named = n.choiceAttr("mode", "nearest", {"nearest", "linear", "bilinear", "trilinear"});
  if (failed(named))
    return failure();
  const StringRef mode = *named == "nearest" ? "nearest" : "linear";
  auto result = applyScales(n, dimsOf(x), scales, llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x))));
  if (failed(result))
    return failure();
  return finish(n, x, result->first, result->second, mode, "asymmetric", "floor");
}

/// An operand that is there but has no elements counts as absent.
bool hasElements(NodeImporter &n, size_t i) {
  return n.hasInput(i) && !llvm::is_contained(n.getInput(i)->type.getShape(), 0);
}

LogicalResult importResize(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  ResizeForm form;
  if (failed(readModes(n, form)))
    return failure();
  form.cubicCoefficient = n.floatAttr("cubic_coeff_a", -0.75);
  form.extrapolation = n.floatAttr("extrapolation_value", 0);
  form.excludesOutside = n.intAttr("exclude_outside", 0) != 0;
  form.isSmoothed = n.intAttr("antialias", 0) != 0 && form.mode != "nearest";
  Ints axes = n.intsAttr("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x))));
  if (failed(n.normalizeAxes(axes, rankOf(x))))
    return failure();
  for (int64_t &axis : axes)
    axis += axis < 0 ? rankOf(x) : 0;
  size_t scalesOperand = n.opset < 11 ? 1 : 2;
  const bool hasScales = hasElements(n, scalesOperand);
  auto scales = hasScales ? n.knownFloats(scalesOperand) : std::nullopt;
  bool isComposed = form.mode == "cubic" || form.excludesOutside || form.isSmoothed || (hasScales && !scales) ||
                    llvm::is_contained({"half_pixel_symmetric", "tf_crop_and_resize"}, form.coordinates) ||
                    n.stringAttr("keep_aspect_ratio_policy", "stretch") != "stretch";
  if (isComposed)
    return importComposed(n, x, form, axes, scalesOperand, hasScales);
  if (scales) {
    auto result = applyScales(n, dimsOf(x), *scales, axes);
    if (failed(result))
      return failure();
    return finish(n, x, result->first, result->second, form.mode, form.coordinates, form.rounding);
  }
  auto sizes = n.shapeOperand(3);
  if (failed(sizes))
    return failure();
  if (sizes->size() != axes.size())
    return n.error(Code::WrongOperands) << sizes->size() << " sizes for " << axes.size() << " axes";
  Dims dims = dimsOf(x);
  for (auto [axis, size] : llvm::zip(axes, *sizes))
    dims[size_t(axis)] = size;
  return finish(n, x, dims, {}, form.mode, form.coordinates, form.rounding);
}

} // namespace

void addResizeRules(Registry &r) {
  r.add("Upsample", 1, importUpsample);
  r.add("Resize", 10, importResize);
}

} // namespace tenon::importer
