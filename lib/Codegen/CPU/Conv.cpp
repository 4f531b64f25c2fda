//===- Conv.cpp - The strategies of convolutions --------------------------===//
#include "Conv.h"
#include "ZeroPoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tenon::codegen {

template <typename Op>
static std::optional<ConvGeometry> getGeometry(Op conv) {
  SmallVector<graph::DimAttr> x = graph::getDims(cast<RankedTensorType>(conv.getX().getType()));
  SmallVector<graph::DimAttr> y = graph::getDims(cast<RankedTensorType>(conv.getResult().getType()));
  ArrayRef<int64_t> w = cast<RankedTensorType>(conv.getW().getType()).getShape();
  ArrayRef<int64_t> strides = conv.getStrides(), dilations = conv.getDilations(), pads = conv.getPads();
  if (x.size() != 3 && x.size() != 4)
    return std::nullopt;
  ConvGeometry g;
  g.isOneDimensional = x.size() == 3;
  const unsigned last = x.size() - 2, r = last - 1; // the last spatial dimension, in x and in the attributes
  auto one = graph::DimAttr::constant(conv.getContext(), 1);
  auto rowValue = [&](ArrayRef<int64_t> values, int64_t otherwise) {
    return g.isOneDimensional ? otherwise : values[0];
  };
  g.images = x[0];
  g.height = g.isOneDimensional ? one : x[1];
  g.outHeight = g.isOneDimensional ? one : y[1];
  g.width = x[last];
  g.outWidth = y[last];
  g.columns = w[0];
  g.groups = conv.getGroup();
  g.channels = w[1] * g.groups;
  g.kernelHeight = rowValue(w.drop_front(2), 1);
  g.kernelWidth = w.back();
  g.strideHeight = rowValue(strides, 1);
  g.strideWidth = strides[r];
  g.dilationHeight = rowValue(dilations, 1);
  g.dilationWidth = dilations[r];
  g.padTop = rowValue(pads, 0);
  g.padLeft = pads[r];
  g.padBottom = rowValue(pads.drop_front(r + 1), 0);
  g.padRight = pads[2 * r + 1];
  g.elementBytes = isa<graph::IntegerConvOp>(conv) ? 1 : 4;
  return g;
}

std::optional<ConvGeometry> ConvGeometry::get(Operation *op) {
  if (auto conv = dyn_cast<graph::ConvOp>(op))
    return getGeometry(conv);
  return getGeometry(cast<graph::IntegerConvOp>(op));
}

SmallVector<graph::DimAttr> ConvGeometry::pixelDims() const {
  if (isOneDimensional)
    return {images, outWidth};
  return {images, outHeight, outWidth};
}

SmallVector<Value> ConvGeometry::coords(Value image, Value row, Value pixel, Value column) const {
  if (isOneDimensional)
    return {image, pixel, column};
  return {image, row, pixel, column};
}

RowBlocks RowBlocks::get(const ConvGeometry &g, graph::DimAttr rows) {
  auto one = graph::DimAttr::constant(rows.getContext(), 1);
  RowBlocks result;
  graph::DimAttr atLeastOne = graph::max(one, graph::min(rows, g.outHeight));
  // Even shares: 14 rows by 4 are 3 blocks of 5, 5, 4 and not of 4, 4, 4, 2.
  result.rows = graph::max(one, graph::ceilDiv(g.outHeight, graph::max(one, graph::floorDiv(g.outHeight, atLeastOne))));
  result.blocks = graph::ceilDiv(g.outHeight, result.rows);
  return result;
}

Extent RowBlocks::extent(const ConvGeometry &g, int64_t tileRows) const {
  std::optional<int64_t> all = g.outHeight.getConstant(), block = rows.getConstant();
  if (!all || !block)
    return {};
  if (*all % *block == 0)
    return {*block, {}};
  if (*block % tileRows == 0)
    return {{}, *all % *block % tileRows};
  return {};
}

graph::DimAttr paddedRowElements(const ConvGeometry &g) { return (g.width + (g.padLeft + g.padRight)) * g.channels; }

Value paddingOf(const HeavyRegion &region, KernelBuilder &k) {
  if (region.isInteger())
    return ZeroPoints(region, k, /*packed=*/true).xZeroByte();
  return arith::ConstantOp::create(k.builder(), k.loc(), k.builder().getF32FloatAttr(0));
}

ConvInput::ConvInput(const ConvGeometry &g, KernelBuilder &k, Value x, Value zero, const RowBlocks &blocks,
                     int64_t reserved)
    : g(g), k(k), x(x), zero(zero), reserved(reserved) {
  if (!g.isPadded()) {
    data = x;
    stride = k.param(g.width * g.channels);
    if (reserved)
      memory = k.scratch(graph::DimAttr::constant(g.width.getContext(), reserved * 4), k.builder().getF32Type());
    return;
  }
  graph::DimAttr rowElements = paddedRowElements(g);
  const int64_t reach = (g.kernelHeight - 1) * g.dilationHeight + 1;
  graph::DimAttr rows = (blocks.rows - 1) * g.strideHeight + reach;
  data = memory = k.scratch((rows * rowElements + reserved) * g.elementBytes, zero.getType());
  stride = k.param(rowElements);
}

/// One row of x, padded left and right, or zeros.
void ConvInput::loadRow(Value image, Value inputRow, Value to) {
  Value height = k.param(g.height);
  Value notAbove = less(k, k.constant(-1), inputRow), notBelow = less(k, inputRow, height);
  Value inside = k.builder().createOrFold<arith::AndIOp>(k.loc(), notAbove, notBelow);
  ifThenElse(
      k, inside,
      [&] {
        Value elements = k.param(g.width * g.channels);
        Value from = k.mul(k.add(k.mul(image, height), inputRow), elements);
        Value middle = addConstant(k, to, g.padLeft * g.channels);
        if (g.padLeft)
          fillElements(k, zero, data, to, k.constant(g.padLeft * g.channels));
        copyElements(k, x, from, data, middle, elements);
        if (g.padRight)
          fillElements(k, zero, data, k.add(middle, elements), k.constant(g.padRight * g.channels));
      },
      [&] { fillElements(k, zero, data, to, stride); });
}

void ConvInput::load(Value image, Value first, Value end) {
  if (!g.isPadded())
    return;
  const int64_t reach = (g.kernelHeight - 1) * g.dilationHeight + 1;
  Value rows = addConstant(k, mulConstant(k, addConstant(k, sub(k, end, first), -1), g.strideHeight), reach);
  Value firstRow = addConstant(k, mulConstant(k, first, g.strideHeight), -g.padTop);
  forLoop(k, k.constant(0), rows, 1,
          [&](Value row) { loadRow(image, k.add(firstRow, row), addConstant(k, k.mul(row, stride), reserved)); });
}

Value ConvInput::base(Value image, Value first, Value row, Value pixel) const {
  Value inputRow;
  if (g.isPadded())
    inputRow = mulConstant(k, sub(k, row, first), g.strideHeight);
  else
    inputRow = k.add(k.mul(image, k.param(g.height)), mulConstant(k, row, g.strideHeight));
  Value at = k.add(k.mul(inputRow, stride), mulConstant(k, pixel, g.strideWidth * g.channels));
  return g.isPadded() ? addConstant(k, at, reserved) : at;
}

std::pair<Value, Value> usedTaps(KernelBuilder &k, Value first, Value last, Value extent, int64_t taps, int64_t stride,
                                 int64_t dilation, int64_t pad) {
  // Tap t of output o reads input o * stride - pad + t * dilation.
  auto ceilDivide = [&](Value v) { return divide(k, addConstant(k, v, dilation - 1), k.constant(dilation)); };
  Value before = maximum(k, sub(k, k.constant(pad), mulConstant(k, last, stride)), k.constant(0));
  Value inside = sub(k, addConstant(k, extent, pad), mulConstant(k, first, stride));
  Value upper = minimum(k, ceilDivide(maximum(k, inside, k.constant(0))), k.constant(taps));
  return {minimum(k, ceilDivide(before), upper), upper};
}

StringRef getConvWeightFormat(Operation *conv) {
  std::optional<ConvGeometry> g = ConvGeometry::get(conv);
  if (!g)
    return "";
  if (g->groups == g->channels && g->groups == g->columns && g->groups > 1)
    return g->isInteger() && g->dilationHeight != 1 ? "" : "depthwise"; // taps of a pair are neighbours
  if (g->groups != 1 && (g->columns / g->groups) % weightPanel != 0)
    return "";
  return g->isInteger() ? getIntegerFormat(conv, g->hasRowRuns() ? "oihw4" : "oihw4t") : "oihw";
}

bool isProduct(const ConvGeometry &g) {
  return g.groups == 1 && g.kernelHeight == 1 && g.kernelWidth == 1 && g.strideHeight == 1 && g.strideWidth == 1 &&
         !g.isPadded();
}

void emitConv(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue) {
  StringRef format = region.layoutOf(1);
  if (format.empty())
    return emitPlainConv(region, k, epilogue);
  ConvGeometry g = *ConvGeometry::get(region.heavy);
  if (format == "depthwise")
    return emitDepthwiseConv(region, g, k, target, epilogue);
  if (!isProduct(g))
    return emitDirectConv(region, g, k, target, epilogue);
  PackedProduct p;
  std::optional<ZeroPoints> zeros;
  if (region.isInteger())
    p.zeros = &zeros.emplace(region, k, /*packed=*/true);
  p.x = k.buffer(region.bufferOf(0));
  p.w = k.buffer(region.bufferOf(1));
  p.bias = region.biasBuffer() ? k.buffer(*region.biasBuffer()) : Value();
  p.y = k.buffer(region.resultBuffer());
  p.rowDims = g.pixelDims();
  p.depth = g.channels;
  p.columns = g.columns;
  p.blockRows = getWantedRows(region);
  std::optional<WeightDecoder> decoder = region.createDecoder(k);
  p.decoder = decoder ? &*decoder : nullptr;
  emitPackedProduct(p, k, target, epilogue);
}

} // namespace tenon::codegen
