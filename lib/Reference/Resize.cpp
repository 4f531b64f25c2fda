//===- Resize.cpp - Resampling --------------------------------------------===//
//
// Resampling is separable: one axis after another, each with a table that says which two elements an element of the
// result mixes, and how.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// Element i of the result is source[low] + weight * (source[high] - source[low]).
struct Sample {
  int64_t low, high;
  double weight;
};

} // namespace

/// The coordinate in the input of element `i` of the result (ONNX Resize, coordinate_transformation_mode).
static double sourceCoordinate(StringRef mode, int64_t i, int64_t in, int64_t out, double scale) {
  auto x = static_cast<double>(i);
  if (mode == "asymmetric")
    return x / scale;
  if (mode == "align_corners")
    return out == 1 ? 0 : x * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  if (mode == "pytorch_half_pixel" && out == 1)
    return 0;
  return (x + 0.5) / scale - 0.5;
}

static double roundNearest(StringRef rounding, double x) {
  if (rounding == "floor")
    return std::floor(x);
  if (rounding == "ceil")
    return std::ceil(x);
  return rounding == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

static SmallVector<Sample> makeTable(graph::ResizeOp op, int64_t in, int64_t out, double scale) {
  auto clamp = [&](double x) { return std::min(std::max(x, 0.0), static_cast<double>(in - 1)); };
  SmallVector<Sample> table;
  for (int64_t i = 0; i < out; ++i) {
    double x = sourceCoordinate(op.getCoordinates(), i, in, out, scale);
    if (op.getMode() == "nearest") {
      auto nearest = static_cast<int64_t>(clamp(roundNearest(op.getRounding(), x)));
      table.push_back({nearest, nearest, 0});
      continue;
    }
    x = clamp(x);
    auto low = static_cast<int64_t>(x);
    table.push_back({low, std::min(low + 1, in - 1), x - static_cast<double>(low)});
  }
  return table;
}

/// Resamples the middle dimension of [outer, in, inner] to [outer, table.size(), inner].
static void resampleAxis(const double *source, double *target, int64_t outer, int64_t in, int64_t inner,
                         ArrayRef<Sample> table) {
  for (int64_t o = 0; o < outer; ++o, source += in * inner)
    for (const Sample &sample : table)
      for (int64_t i = 0; i < inner; ++i, ++target) {
        double low = source[sample.low * inner + i];
        // Not computed where the weight is 0, so that an infinity next to it does not turn into NaN.
        *target = sample.weight == 0 ? low : low + sample.weight * (source[sample.high * inner + i] - low);
      }
}

LogicalResult reference::evaluateResize(OpContext &c) {
  auto op = cast<graph::ResizeOp>(c.op);
  const HostTensor &x = c.operands[0];
  FailureOr<SmallVector<int64_t>> outDims = c.resultDims();
  if (failed(outDims))
    return failure();
  SmallVector<int64_t> dims(x.getDims());
  std::optional<ArrayRef<double>> scales = op.getScales();
  HostTensor *result = c.addResult(*outDims);
  FailureOr<HostTensor> current = c.toArray<double>(x, 0, x.getNumElements());
  if (!result || failed(current))
    return failure();
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    int64_t in = dims[axis], out = (*outDims)[axis];
    double scale = scales ? (*scales)[axis] : static_cast<double>(out) / static_cast<double>(in);
    if (in == out && scale == 1)
      continue;
    if (out != 0 && (in == 0 || !(scale > 0)))
      return c.mismatch() << "axis " << axis << " of extent " << in << " cannot be scaled by " << scale;
    int64_t outer = product(ArrayRef(dims).take_front(axis)), inner = product(ArrayRef(dims).drop_front(axis + 1));
    int64_t perOuter, count;
    if (__builtin_mul_overflow(out, inner, &perOuter) || __builtin_mul_overflow(perOuter, outer, &count))
      return c.outOfMemory("a temporary array");
    FailureOr<HostTensor> next = c.scratch(ElementType::F64, count);
    if (failed(next))
      return failure();
    resampleAxis(elements<double>(*current), mutableElements<double>(*next), outer, in, inner,
                 makeTable(op, in, out, scale));
    current = std::move(next);
    dims[axis] = out;
  }
  for (int64_t i = 0; i < result->getNumElements(); ++i)
    result->setDouble(i, elements<double>(*current)[i]);
  return success();
}
