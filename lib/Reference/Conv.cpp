//===- Conv.cpp - Convolutions --------------------------------------------===//
//
// A block of windows at a time is laid out as the columns of a matrix and multiplied by the weights of a group.
//
//===----------------------------------------------------------------------===//
#include "Gemm.h"
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"
#include "Window.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// Windows handled at a time: bounds the matrix of columns (a few MiB for the deepest layers in use).
static constexpr int64_t windowBlock = 64;

namespace {

struct Conv {
  OpContext &c;
  Window window;
  ImageLayout x, y;
  int64_t groups, inChannels, outChannels; // channels of one group
  FailureOr<HostTensor> weights, bias, columns, offsets, products;

  LogicalResult allocate();
  void fillColumns(const double *sample, int64_t group, int64_t count);
  void runBlock(const double *sample, int64_t n, int64_t first, int64_t count, HostTensor &result);
};

} // namespace

FailureOr<HostTensor> reference::convBias(OpContext &c, int64_t count) {
  if (c.operands.size() < 3)
    return c.scratch(ElementType::F64, count);
  if (c.operands[2].getDims() != ArrayRef(count)) {
    c.mismatch() << "the bias has extents [" << c.operands[2].getDims() << "], expected [" << count << "]";
    return failure();
  }
  return c.toArray<double>(c.operands[2], 0, count);
}

LogicalResult Conv::allocate() {
  int64_t depth = inChannels * window.numTaps();
  weights = c.toArray<double>(c.operands[1], 0, c.operands[1].getNumElements());
  bias = convBias(c, groups * outChannels);
  columns = c.scratch(ElementType::F64, depth * windowBlock);
  offsets = c.scratch(ElementType::I64, window.numTaps() * windowBlock);
  products = c.scratch(ElementType::F64, outChannels * windowBlock);
  return success(succeeded(weights) && succeeded(bias) && succeeded(columns) && succeeded(offsets) &&
                 succeeded(products));
}

void Conv::fillColumns(const double *sample, int64_t group, int64_t count) {
  int64_t taps = window.numTaps();
  const auto *offset = elements<int64_t>(*offsets);
  double *column = mutableElements<double>(*columns);
  for (int64_t channel = 0; channel < inChannels; ++channel) {
    const double *plane = sample + (group * inChannels + channel) * x.channelStride;
    for (int64_t i = 0; i < taps * count; ++i)
      *column++ = offset[i] < 0 ? 0 : plane[offset[i] * x.positionStride];
  }
}

/// Sums of 32 bits wrap where a double still holds them exactly.
static void store(HostTensor &result, int64_t index, double value) {
  if (result.getType() == ElementType::I32 && std::fabs(value) < 0x1p53)
    return result.setInteger(index, static_cast<int64_t>(value));
  result.setDouble(index, value);
}

void Conv::runBlock(const double *sample, int64_t n, int64_t first, int64_t count, HostTensor &result) {
  int64_t depth = inChannels * window.numTaps();
  window.fillOffsets(first, count, mutableElements<int64_t>(*offsets));
  double *product = mutableElements<double>(*products);
  for (int64_t group = 0; group < groups; ++group) {
    fillColumns(sample, group, count);
    for (int64_t m = 0; m < outChannels; ++m)
      std::fill_n(product + m * count, count, elements<double>(*bias)[group * outChannels + m]);
    gemm(outChannels, count, depth, elements<double>(*weights) + group * outChannels * depth, depth,
         elements<double>(*columns), count, product, count);
    for (int64_t m = 0; m < outChannels; ++m)
      for (int64_t i = 0; i < count; ++i)
        store(result, n * y.sampleStride + (group * outChannels + m) * y.channelStride + (first + i) * y.positionStride,
              product[m * count + i]);
  }
}

LogicalResult reference::evaluateConv(OpContext &c) {
  auto op = cast<graph::ConvOp>(c.op);
  return evaluateConvolution(
      c, {op.getStrides(), op.getPads(), op.getDilations(), static_cast<int64_t>(op.getGroup()), op.getChannelsLast()});
}

LogicalResult reference::evaluateConvolution(OpContext &c, const ConvolutionAttributes &attributes) {
  ArrayRef<int64_t> wDims = c.operands[1].getDims();
  bool channelsLast = attributes.channelsLast;
  ImageLayout x(c.operands[0].getDims(), channelsLast);
  int64_t groups = attributes.groups;
  if (groups < 1 || wDims[1] * groups != x.channels || wDims[0] % groups != 0)
    return c.mismatch() << x.channels << " input channels, weights of extents [" << wDims << "] and " << groups
                        << " groups";
  Window window =
      Window::make(x.spatial, wDims.drop_front(2), attributes.strides, attributes.dilations, attributes.pads);
  std::optional<SmallVector<int64_t>> counts = Window::countWindows(window, /*ceilMode=*/false);
  if (!counts)
    return c.mismatch() << "the kernel is larger than the padded input";
  window.out = *counts;
  SmallVector<int64_t> yDims = ImageLayout::makeDims(x.batch, wDims[0], window.out, channelsLast);
  HostTensor *result = c.addResult(yDims);
  if (!result)
    return failure();
  Conv conv{c, window, x, ImageLayout(yDims, channelsLast), groups, wDims[1], wDims[0] / groups, {}, {}, {}, {}, {}};
  if (failed(conv.allocate()))
    return failure();
  for (int64_t n = 0; n < x.batch; ++n) {
    FailureOr<HostTensor> sample = c.toArray<double>(c.operands[0], n * x.sampleStride, x.sampleStride);
    if (failed(sample))
      return failure();
    for (int64_t first = 0, end = window.numWindows(); first < end; first += windowBlock)
      conv.runBlock(elements<double>(*sample), n, first, std::min(windowBlock, end - first), *result);
  }
  return success();
}
