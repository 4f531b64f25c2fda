//===- ConvTranspose.cpp - Transposed convolutions ------------------------===//
//
// The weights of a group, transposed, times a block of input positions give what each position scatters into the
// output.
//
//===----------------------------------------------------------------------===//
#include "Gemm.h"
#include "Graph/IR/GraphOps.h"
#include "Kernels.h"
#include "Window.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

/// Input positions handled at a time.
static constexpr int64_t positionBlock = 64;

namespace {

struct ConvTranspose {
  OpContext &c;
  /// As seen from the output: `in` is the output's space, its windows are the input's positions.
  Window window;
  int64_t inChannels, outChannels; // of one group
  FailureOr<HostTensor> input, weights, bias, turned, offsets, products, totals;

  int64_t numRows() const { return outChannels * window.numTaps(); }
  LogicalResult allocate(int64_t groups);
  void turnWeights(int64_t group);
  void scatter(int64_t count);
  void runGroup(int64_t sample, int64_t group, int64_t groups, HostTensor &result);
};

} // namespace

LogicalResult ConvTranspose::allocate(int64_t groups) {
  input = c.toArray<double>(c.operands[0], 0, c.operands[0].getNumElements());
  weights = c.toArray<double>(c.operands[1], 0, c.operands[1].getNumElements());
  bias = convBias(c, outChannels * groups);
  turned = c.scratch(ElementType::F64, numRows() * inChannels);
  offsets = c.scratch(ElementType::I64, window.numTaps() * positionBlock);
  products = c.scratch(ElementType::F64, numRows() * positionBlock);
  totals = c.scratch(ElementType::F64, outChannels * window.numInputs());
  return success(succeeded(input) && succeeded(weights) && succeeded(bias) && succeeded(turned) && succeeded(offsets) &&
                 succeeded(products) && succeeded(totals));
}

/// [C/group, M/group * taps] to [M/group * taps, C/group].
void ConvTranspose::turnWeights(int64_t group) {
  const double *source = elements<double>(*weights) + group * inChannels * numRows();
  double *target = mutableElements<double>(*turned);
  for (int64_t i = 0; i < inChannels; ++i)
    for (int64_t j = 0, rows = numRows(); j < rows; ++j)
      target[j * inChannels + i] = source[i * rows + j];
}

void ConvTranspose::scatter(int64_t count) {
  const auto *offset = elements<int64_t>(*offsets);
  const auto *product = elements<double>(*products);
  double *total = mutableElements<double>(*totals);
  for (int64_t m = 0; m < outChannels; ++m, total += window.numInputs())
    for (int64_t i = 0, end = window.numTaps() * count; i < end; ++i, ++product)
      if (offset[i] >= 0)
        total[offset[i]] += *product;
}

void ConvTranspose::runGroup(int64_t sample, int64_t group, int64_t groups, HostTensor &result) {
  int64_t positions = window.numWindows(), outputs = window.numInputs(), block = sample * groups + group;
  double *total = mutableElements<double>(*totals), *product = mutableElements<double>(*products);
  for (int64_t m = 0; m < outChannels; ++m)
    std::fill_n(total + m * outputs, outputs, elements<double>(*bias)[group * outChannels + m]);
  turnWeights(group);
  for (int64_t first = 0; first < positions; first += positionBlock) {
    int64_t count = std::min(positionBlock, positions - first);
    window.fillOffsets(first, count, mutableElements<int64_t>(*offsets));
    std::fill_n(product, numRows() * count, 0.0);
    gemm(numRows(), count, inChannels, elements<double>(*turned), inChannels,
         elements<double>(*input) + block * inChannels * positions + first, positions, product, count);
    scatter(count);
  }
  for (int64_t i = 0; i < outChannels * outputs; ++i)
    result.setDouble(block * outChannels * outputs + i, total[i]);
}

/// The extents of the output; nothing if a coordinate is out of range.
static std::optional<SmallVector<int64_t>> outputDims(const Window &w, ArrayRef<int64_t> outputPadding) {
  constexpr __int128 limit = __int128(1) << 60;
  SmallVector<int64_t> dims;
  for (size_t i = 0; i < w.in.size(); ++i) {
    __int128 reach = __int128(w.strides[i]) * (w.in[i] - 1) + __int128(w.dilations[i]) * (w.kernel[i] - 1) + 1;
    __int128 extent = reach + outputPadding[i] - w.begins[i] - w.ends[i];
    if (w.in[i] < 1 || w.kernel[i] < 1 || reach > limit || extent < 0 || extent > limit || w.begins[i] > limit ||
        w.begins[i] < -limit)
      return std::nullopt;
    dims.push_back(static_cast<int64_t>(extent));
  }
  return dims;
}

LogicalResult reference::evaluateConvTranspose(OpContext &c) {
  auto op = cast<graph::ConvTransposeOp>(c.op);
  ArrayRef<int64_t> wDims = c.operands[1].getDims();
  ImageLayout x(c.operands[0].getDims(), /*channelsLast=*/false);
  auto groups = static_cast<int64_t>(op.getGroup());
  if (groups < 1 || wDims[0] != x.channels || x.channels % groups != 0)
    return c.mismatch() << x.channels << " input channels, weights of extents [" << wDims << "] and " << groups
                        << " groups";
  Window window = Window::make(x.spatial, wDims.drop_front(2), op.getStrides(), op.getDilations(), op.getPads());
  std::optional<SmallVector<int64_t>> outDims = outputDims(window, op.getOutputPadding());
  if (!outDims)
    return c.mismatch() << "an extent of the input, kernel or output is out of range";
  HostTensor *result = c.addResult(ImageLayout::makeDims(x.batch, wDims[1] * groups, *outDims, false));
  if (!result)
    return failure();
  window.out = window.in;
  window.in = *outDims;
  ConvTranspose conv{c, window, x.channels / groups, wDims[1], {}, {}, {}, {}, {}, {}, {}};
  if (failed(conv.allocate(groups)))
    return failure();
  for (int64_t sample = 0; sample < x.batch; ++sample)
    for (int64_t group = 0; group < groups; ++group)
      conv.runGroup(sample, group, groups, *result);
  return success();
}
