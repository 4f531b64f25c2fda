//===- Pool.cpp - Maximum and mean over windows ---------------------------===//
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"
#include "Window.h"

#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// Calls `reduce(n * channels + channel, window, taps)` for every window, with the linear coordinates of its taps
/// inside the input.
template <typename Reduce>
static void forEachWindow(const Window &window, const ImageLayout &x, Reduce reduce) {
  SmallVector<int64_t> offsets(static_cast<size_t>(window.numTaps()));
  for (int64_t p = 0, end = window.numWindows(); p < end; ++p) {
    window.fillOffsets(p, 1, offsets.data());
    SmallVector<int64_t> inside = llvm::filter_to_vector(offsets, [](int64_t offset) { return offset >= 0; });
    for (int64_t plane = 0; plane < x.batch * x.channels; ++plane)
      reduce(plane, p, inside);
  }
}

static int64_t planeOffset(const ImageLayout &layout, int64_t plane) {
  return plane / layout.channels * layout.sampleStride + plane % layout.channels * layout.channelStride;
}

static double maximum(const HostTensor &x, int64_t base, int64_t stride, ArrayRef<int64_t> taps) {
  double result = -std::numeric_limits<double>::infinity();
  for (int64_t tap : taps) {
    double value = x.getDouble(base + tap * stride);
    if (!(value <= result)) // also where the value is NaN
      result = value;
    if (value != value)
      break;
  }
  return result;
}

static double sum(const HostTensor &x, int64_t base, int64_t stride, ArrayRef<int64_t> taps) {
  double result = 0;
  for (int64_t tap : taps)
    result += x.getDouble(base + tap * stride);
  return result;
}

template <typename PoolOp>
static LogicalResult evaluatePoolOp(OpContext &c, PoolOp op) {
  const HostTensor &x = c.operands[0];
  ImageLayout in(x.getDims(), op.getChannelsLast());
  Window window = Window::make(in.spatial, op.getKernel(), op.getStrides(), op.getDilations(), op.getPads());
  std::optional<SmallVector<int64_t>> counts = Window::countWindows(window, op.getCeilMode());
  std::optional<int64_t> taps = countElements(window.kernel);
  if (!counts || !taps || *taps > (int64_t(1) << 30))
    return c.mismatch() << "the window is larger than the padded input";
  window.out = *counts;
  SmallVector<int64_t> dims = ImageLayout::makeDims(in.batch, in.channels, window.out, op.getChannelsLast());
  ImageLayout out(dims, op.getChannelsLast());
  HostTensor *result = c.addResult(dims);
  if (!result)
    return failure();
  int64_t divisorWindow = -1, divisor = 0;
  forEachWindow(window, in, [&](int64_t plane, int64_t p, ArrayRef<int64_t> inside) {
    int64_t base = planeOffset(in, plane), target = planeOffset(out, plane) + p * out.positionStride;
    if constexpr (std::is_same_v<PoolOp, graph::MaxPoolOp>) {
      result->setDouble(target, maximum(x, base, in.positionStride, inside));
    } else {
      if (p != divisorWindow)
        divisor = op.getCountIncludePad() ? window.countInsidePadding(p) : static_cast<int64_t>(inside.size());
      divisorWindow = p;
      result->setDouble(target, sum(x, base, in.positionStride, inside) / static_cast<double>(divisor));
    }
  });
  return success();
}

LogicalResult reference::evaluatePool(OpContext &c) {
  if (auto op = dyn_cast<graph::MaxPoolOp>(c.op))
    return evaluatePoolOp(c, op);
  return evaluatePoolOp(c, cast<graph::AveragePoolOp>(c.op));
}
