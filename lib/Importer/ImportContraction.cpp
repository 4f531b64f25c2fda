//===- ImportContraction.cpp - Matrix products and convolutions -----------===//
#include "Registry.h"
#include "Window.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::importer {
namespace {

LogicalResult importMatMul(NodeImporter &n) {
  Value x = n.input(0), y = n.input(1);
  if (!x || !y)
    return failure();
  if (rankOf(x) < 1 || rankOf(y) < 1)
    return n.error(Code::WrongOperands) << "operands need at least one dimension";
  return n.setOutput(n.create<MatMulOp>(x, y, false));
}

/// alpha * A' * B' + beta * C. B stays as stored (transpose_w); A is transposed by an op of its own.
LogicalResult importGemm(NodeImporter &n) {
  Value x = n.input(0), w = n.input(1), c = n.optionalInput(2);
  if (!x || !w)
    return failure();
  if (rankOf(x) != 2 || rankOf(w) != 2 || (c && rankOf(c) > 2))
    return n.error(Code::WrongOperands) << "A and B must be matrices, C at most one";
  double alpha = n.floatAttr("alpha", 1), beta = n.floatAttr("beta", 1);
  if (n.intAttr("transA", 0) != 0)
    x = n.create<TransposeOp>(x, ArrayRef<int64_t>{1, 0});
  Value y = x ? n.create<MatMulOp>(x, w, n.intAttr("transB", 0) != 0) : Value();
  Type type = typeOf(w).getElementType();
  if (y && alpha != 1)
    y = n.create<MulOp>(y, n.scalar(type, alpha));
  if (c && beta != 1)
    c = n.create<MulOp>(c, n.scalar(type, beta));
  if (!c && n.hasInput(2))
    return failure();
  // C broadcasts to the product, never the other way round.
  if (y && c && beta != 0) {
    auto type = typeOf(y);
    y = n.create<AddOp>(y, c);
    if (y && type.hasStaticShape() && y.getType() != type)
      return n.error(Code::ShapeMismatch) << "C does not broadcast to the product";
  }
  return n.setOutput(y);
}

/// Ranks of operand, weights and bias of a convolution.
LogicalResult checkConvolution(NodeImporter &n, Value x, Value w, Value bias) {
  if (!x || !w || (n.hasInput(2) && !bias))
    return failure();
  if (rankOf(x) < 3 || rankOf(w) != rankOf(x))
    return n.error(Code::WrongOperands) << "operand and weights have ranks " << rankOf(x) << " and " << rankOf(w);
  if (bias && rankOf(bias) != 1)
    return n.error(Code::WrongOperands) << "the bias has rank " << rankOf(bias);
  if (n.intAttr("group", 1) < 1)
    return n.error(Code::WrongAttribute) << "group is " << n.intAttr("group", 1);
  return success();
}

LogicalResult importConv(NodeImporter &n) {
  Value x = n.input(0), w = n.input(1), bias = n.optionalInput(2);
  if (failed(checkConvolution(n, x, w, bias)))
    return failure();
  auto kernel = readKernel(n, typeOf(w));
  Dims extents = dimsOf(x);
  auto window =
      failed(kernel) ? FailureOr<Window>(failure()) : readWindow(n, ArrayRef<DimAttr>(extents).drop_front(2), *kernel);
  if (failed(window))
    return failure();
  return n.setOutput(
      n.create<ConvOp>(x, w, bias, window->strides, window->pads, window->dilations, n.intAttr("group", 1), false));
}

/// output_shape and SAME determine the padding: what the formula gives without padding, less what is asked for.
LogicalResult resolveTransposedPads(NodeImporter &n, ArrayRef<DimAttr> extents, MutableArrayRef<int64_t> outputPadding,
                                    Window &w) {
  size_t r = extents.size();
  auto shape = n.intsAttr("output_shape");
  std::string autoPad = n.stringAttr("auto_pad", "NOTSET");
  bool isSame = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  if (!shape && !isSame)
    return success();
  if (shape && shape->size() == r + 2)
    shape->erase(shape->begin(), shape->begin() + 2);
  if (shape && shape->size() != r)
    return n.error(Code::WrongAttribute) << "output_shape has " << shape->size() << " entries, expected " << r;
  for (size_t i = 0; i < r; ++i) {
    DimAttr full = (extents[i] - 1) * w.strides[i] + (outputPadding[i] + (w.kernel[i] - 1) * w.dilations[i] + 1);
    DimAttr wanted = shape ? n.dim((*shape)[i]) : extents[i] * w.strides[i];
    auto total = (full - wanted).getConstant();
    if (!total)
      return n.error(Code::DynamicSamePadding) << "output_shape with a dynamic extent";
    // What is missing is added at the end.
    outputPadding[i] += std::max<int64_t>(-*total, 0);
    int64_t pad = std::max<int64_t>(*total, 0);
    w.pads[i] = autoPad == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
    w.pads[r + i] = pad - w.pads[i];
  }
  return success();
}

LogicalResult importConvTranspose(NodeImporter &n) {
  Value x = n.input(0), w = n.input(1), bias = n.optionalInput(2);
  if (failed(checkConvolution(n, x, w, bias)))
    return failure();
  auto kernel = readKernel(n, typeOf(w));
  Dims extents = dimsOf(x);
  ArrayRef<DimAttr> spatial = ArrayRef<DimAttr>(extents).drop_front(2);
  auto window = failed(kernel) ? FailureOr<Window>(failure()) : readWindow(n, spatial, *kernel, true);
  if (failed(window))
    return failure();
  Ints outputPadding = n.intsAttr("output_padding").value_or(Ints(spatial.size(), 0));
  if (outputPadding.size() != spatial.size() ||
      llvm::any_of(outputPadding, [](int64_t p) { return p < 0 || p > INT32_MAX; }))
    return n.error(Code::WrongAttribute) << "output_padding must be one non-negative number a spatial dimension";
  if (failed(resolveTransposedPads(n, spatial, outputPadding, *window)))
    return failure();
  return n.setOutput(n.create<ConvTransposeOp>(x, w, bias, window->strides, window->pads, window->dilations,
                                               outputPadding, n.intAttr("group", 1)));
}

} // namespace

void addContractionRules(Registry &r) {
  r.add("MatMul", 1, importMatMul);
  r.add("Gemm", 1, importGemm);
  r.add("Conv", 1, importConv);
  r.add("ConvTranspose", 1, importConvTranspose);
}

} // namespace tenon::importer
