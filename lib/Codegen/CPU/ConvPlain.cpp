//===- ConvPlain.cpp - Convolutions of any form ---------------------------===//
//
// Any rank, any group, weights as they are, one output element at a time. For what the fast strategies leave: a few
// layers of a few models, and weights that are computed at run time.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"
#include "ZeroPoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

struct PlainEmitter {
  KernelBuilder &k;
  EpilogueFn epilogue;
  /// Attributes of the convolution.
  ArrayRef<int64_t> strides, dilations, pads;
  int64_t groups;
  SmallVector<graph::DimAttr> x, y;
  ArrayRef<int64_t> w;
  Value xBuffer, wBuffer, bias, yBuffer;
  std::optional<ZeroPoints> zeros; ///< of integers

  size_t spatial() const { return w.size() - 2; }
  Value load(Value buffer, Value index) { return memref::LoadOp::create(k.builder(), k.loc(), buffer, index); }

  /// sum + x * w
  Value accumulate(Value sum, Value xElement, Value wElement, Value column) {
    OpBuilder &b = k.builder();
    if (!zeros)
      return arith::AddFOp::create(b, k.loc(), sum, arith::MulFOp::create(b, k.loc(), xElement, wElement));
    xElement = arith::SubIOp::create(b, k.loc(), zeros->widenX(xElement), zeros->xZero());
    wElement = arith::SubIOp::create(b, k.loc(), zeros->widenW(wElement), zeros->wZero(column));
    return arith::AddIOp::create(b, k.loc(), sum, arith::MulIOp::create(b, k.loc(), xElement, wElement));
  }

  /// Where the sum of a column starts.
  Value start(Value column) {
    if (bias)
      return load(bias, column);
    Type type = zeros ? Type(k.builder().getI32Type()) : k.builder().getF32Type();
    return arith::ConstantOp::create(k.builder(), k.loc(), k.builder().getZeroAttr(type));
  }

  /// Sums over taps from dimension `d` on; xIndex counts pixels of x so far, wIndex taps of w so far.
  Value reduceTaps(size_t d, ArrayRef<Value> coords, Value xIndex, Value wIndex, Value channel, Value wChannel,
                   Value column, Value sum) {
    if (d == spatial()) {
      Value xElement = load(xBuffer, k.add(k.mul(xIndex, k.param(x.back())), channel));
      Value wElement = load(wBuffer, k.add(wChannel, wIndex));
      return accumulate(sum, xElement, wElement, column);
    }
    Value at = coords[1 + d], extent = k.param(x[1 + d]);
    const int64_t stride = strides[d], dilation = dilations[d], pad = pads[d];
    auto [lower, upper] = usedTaps(k, at, at, extent, w[2 + d], stride, dilation, pad);
    Value first = addConstant(k, mulConstant(k, at, stride), -pad);
    return forLoop(k, lower, upper, 1, sum, [&](Value tap, ValueRange carried) {
      Value position = k.add(first, mulConstant(k, tap, dilation));
      Value next = reduceTaps(d + 1, coords, k.add(k.mul(xIndex, extent), position),
                              k.add(mulConstant(k, wIndex, w[2 + d]), tap), channel, wChannel, column, carried[0]);
      return SmallVector<Value>{next};
    })[0];
  }

  void emitElement(ArrayRef<Value> pixel, Value pixelIndex, Value column) {
    OpBuilder &b = k.builder();
    int64_t taps = 1;
    for (int64_t extent : w.drop_front(2))
      taps *= extent;
    Value sum = start(column);
    Value group = divide(k, column, k.constant(w[0] / groups));
    Value firstChannel = mulConstant(k, group, w[1]);
    sum = forLoop(k, k.constant(0), k.constant(w[1]), 1, sum, [&](Value channel, ValueRange carried) {
      Value wChannel = mulConstant(k, k.add(mulConstant(k, column, w[1]), channel), taps);
      return SmallVector<Value>{
          reduceTaps(0, pixel, pixel[0], k.constant(0), k.add(firstChannel, channel), wChannel, column, carried[0])};
    })[0];
    SmallVector<Value> coords(pixel);
    coords.push_back(column);
    Value vector = vector::BroadcastOp::create(b, k.loc(), VectorType::get({1}, sum.getType()), sum);
    vector = epilogue(b, k.loc(), vector, coords, {});
    vector::StoreOp::create(b, k.loc(), vector, yBuffer, k.add(mulConstant(k, pixelIndex, w[0]), column));
  }

  /// Work groups are runs of pixels along the last spatial dimension.
  void emit() {
    ArrayRef<graph::DimAttr> rowDims = ArrayRef(y).drop_back(2);
    graph::DimAttr width = y[y.size() - 2];
    k.setGrid(graph::product(k.builder().getContext(), rowDims));
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      SmallVector<Value> coords = unflatten(k, rowDims, group, 1).front();
      forLoop(k, k.constant(0), k.param(width), 1, [&](Value pixel) {
        SmallVector<Value> at(coords);
        at.push_back(pixel);
        Value index = k.add(k.mul(group, k.param(width)), pixel);
        forLoop(k, k.constant(0), k.constant(w[0]), 1, [&](Value column) { emitElement(at, index, column); });
      });
    });
  }
};

} // namespace

void emitPlainConv(const HeavyRegion &region, KernelBuilder &k, EpilogueFn epilogue) {
  auto emit = [&](auto conv) {
    PlainEmitter emitter{k,
                         epilogue,
                         conv.getStrides(),
                         conv.getDilations(),
                         conv.getPads(),
                         int64_t(conv.getGroup()),
                         graph::getDims(region.operandType(0)),
                         graph::getDims(cast<RankedTensorType>(region.heavy->getResult(0).getType())),
                         region.operandType(1).getShape(),
                         k.buffer(region.bufferOf(0)),
                         k.buffer(region.bufferOf(1)),
                         region.biasBuffer() ? k.buffer(*region.biasBuffer()) : Value(),
                         k.buffer(region.resultBuffer()),
                         {}};
    if (region.isInteger())
      emitter.zeros.emplace(region, k, /*packed=*/false);
    emitter.emit();
  };
  if (auto conv = dyn_cast<graph::ConvOp>(region.heavy))
    return emit(conv);
  emit(cast<graph::IntegerConvOp>(region.heavy));
}

} // namespace tenon::codegen
