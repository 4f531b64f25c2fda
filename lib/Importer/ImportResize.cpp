//===- ImportResize.cpp - Resize and Upsample ------------------------------===//
//
// Upsample and Resize-10 sample at x / scale (asymmetric, nearest rounds down); Resize-11 states coordinates, rounding,
// and either scales or sizes; 18 adds axes, antialias and a policy for aspect ratios.
//
//===----------------------------------------------------------------------===//
#include "NodeImporter.h"
#include "Registry.h"

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
    return n.error(Code::UnsupportedForm) << "scale " << scale << " is too small";
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
      return n.error(Code::DataDependentShape) << "scales must be a constant";
    scales = *known;
  }
  std::string mode = n.stringAttr("mode", "nearest");
  if (mode == "bilinear" || mode == "trilinear")
    mode = "linear";
  if (mode != "nearest" && mode != "linear")
    return n.error(Code::UnsupportedForm) << "mode '" << mode << "' is not supported";
  auto result = applyScales(n, dimsOf(x), scales, llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x))));
  if (failed(result))
    return failure();
  return finish(n, x, result->first, result->second, mode, "asymmetric", "floor");
}

/// Refuses the forms graph.resize has no meaning for.
LogicalResult checkModes(NodeImporter &n, StringRef mode, StringRef coordinates, StringRef rounding) {
  if (mode != "nearest" && mode != "linear")
    return n.error(Code::UnsupportedForm) << "mode '" << mode << "' is not supported";
  if (!llvm::is_contained({"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"}, coordinates))
    return n.error(Code::UnsupportedForm) << "coordinate_transformation_mode '" << coordinates << "' is not supported";
  if (!llvm::is_contained({"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"}, rounding))
    return n.error(Code::WrongAttribute) << "nearest_mode '" << rounding << "' is unknown";
  if (n.intAttr("antialias", 0) != 0)
    return n.error(Code::UnsupportedForm) << "antialias is not supported";
  if (n.stringAttr("keep_aspect_ratio_policy", "stretch") != "stretch")
    return n.error(Code::UnsupportedForm) << "keep_aspect_ratio_policy must be stretch";
  return success();
}

/// An operand that is there but has no elements counts as absent.
bool hasElements(NodeImporter &n, size_t i) {
  return n.hasInput(i) && !llvm::is_contained(n.getInput(i)->type.getShape(), 0);
}

LogicalResult importResize(NodeImporter &n) {
  Value x = n.input(0);
  if (!x)
    return failure();
  std::string mode = n.stringAttr("mode", "nearest");
  std::string coordinates = n.opset < 11 ? "asymmetric" : n.stringAttr("coordinate_transformation_mode", "half_pixel");
  std::string rounding = n.opset < 11 ? "floor" : n.stringAttr("nearest_mode", "round_prefer_floor");
  if (failed(checkModes(n, mode, coordinates, rounding)))
    return failure();
  Ints axes = n.intsAttr("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(0, rankOf(x))));
  if (failed(n.normalizeAxes(axes, rankOf(x))))
    return failure();
  for (int64_t &axis : axes)
    axis += axis < 0 ? rankOf(x) : 0;
  size_t scalesOperand = n.opset < 11 ? 1 : 2;
  if (hasElements(n, scalesOperand)) {
    auto scales = n.knownFloats(scalesOperand);
    if (!scales)
      return n.error(Code::DataDependentShape) << "scales must be a constant";
    auto result = applyScales(n, dimsOf(x), *scales, axes);
    return failed(result) ? failure() : finish(n, x, result->first, result->second, mode, coordinates, rounding);
  }
  auto sizes = n.shapeOperand(3);
  if (failed(sizes))
    return failure();
  if (sizes->size() != axes.size())
    return n.error(Code::WrongOperands) << sizes->size() << " sizes for " << axes.size() << " axes";
  Dims dims = dimsOf(x);
  for (auto [axis, size] : llvm::zip(axes, *sizes))
    dims[size_t(axis)] = size;
  return finish(n, x, dims, {}, mode, coordinates, rounding);
}

} // namespace

void addResizeRules(Registry &r) {
  r.add("Upsample", 1, importUpsample);
  r.add("Resize", 10, importResize);
}

} // namespace tenon::importer
