//===- ConvPlain.cpp - Convolutions of any form ---------------------------===//
//
// Any rank, any group, weights as they are, one output element at a time. For what the fast strategies leave: a few
// layers of a few models, and weights that are computed at run time.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

struct PlainEmitter {
  KernelBuilder &k;
  EpilogueFn epilogue;
  graph::ConvOp conv;
  SmallVector<graph::DimAttr> x, y;
  ArrayRef<int64_t> w;
  Value xBuffer, wBuffer, bias, yBuffer;

  size_t spatial() const { return w.size() - 2; }
  Value load(Value buffer, Value index) { return memref::LoadOp::create(k.builder(), k.loc(), buffer, index); }

  /// Sums over taps from dimension `d` on; xIndex counts pixels of x so far, wIndex taps of w so far.
  Value reduceTaps(size_t d, ArrayRef<Value> coords, Value xIndex, Value wIndex, Value channel, Value wChannel,
                   Value sum) {
    if (d == spatial()) {
      Value xElement = load(xBuffer, k.add(k.mul(xIndex, k.param(x.back())), channel));
      Value wElement = load(wBuffer, k.add(wChannel, wIndex));
      return arith::AddFOp::create(k.builder(), k.loc(), sum,
                                   arith::MulFOp::create(k.builder(), k.loc(), xElement, wElement));
    }
    Value at = coords[1 + d], extent = k.param(x[1 + d]);
    const int64_t stride = conv.getStrides()[d], dilation = conv.getDilations()[d], pad = conv.getPads()[d];
    auto [lower, upper] = usedTaps(k, at, at, extent, w[2 + d], stride, dilation, pad);
    Value first = addConstant(k, mulConstant(k, at, stride), -pad);
    return forLoop(k, lower, upper, 1, sum, [&](Value tap, ValueRange carried) {
      Value position = k.add(first, mulConstant(k, tap, dilation));
      Value next = reduceTaps(d + 1, coords, k.add(k.mul(xIndex, extent), position),
                              k.add(mulConstant(k, wIndex, w[2 + d]), tap), channel, wChannel, carried[0]);
      return SmallVector<Value>{next};
    })[0];
  }

  void emitElement(ArrayRef<Value> pixel, Value pixelIndex, Value column) {
    OpBuilder &b = k.builder();
    int64_t taps = 1;
    for (int64_t extent : w.drop_front(2))
      taps *= extent;
    Value sum = bias ? load(bias, column) : Value(arith::ConstantOp::create(b, k.loc(), b.getF32FloatAttr(0)));
    Value group = divide(k, column, k.constant(w[0] / conv.getGroup()));
    Value firstChannel = mulConstant(k, group, w[1]);
    sum = forLoop(k, k.constant(0), k.constant(w[1]), 1, sum, [&](Value channel, ValueRange carried) {
      Value wChannel = mulConstant(k, k.add(mulConstant(k, column, w[1]), channel), taps);
      return SmallVector<Value>{
          reduceTaps(0, pixel, pixel[0], k.constant(0), k.add(firstChannel, channel), wChannel, carried[0])};
    })[0];
    SmallVector<Value> coords(pixel);
    coords.push_back(column);
    Value vector = vector::BroadcastOp::create(b, k.loc(), VectorType::get({1}, b.getF32Type()), sum);
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
  auto conv = cast<graph::ConvOp>(region.heavy);
  PlainEmitter emitter{k,
                       epilogue,
                       conv,
                       graph::getDims(region.operandType(0)),
                       graph::getDims(region.resultType()),
                       region.operandType(1).getShape(),
                       k.buffer(region.bufferOf(0)),
                       k.buffer(region.bufferOf(1)),
                       conv.getBias() ? k.buffer(region.bufferOf(2)) : Value(),
                       k.buffer(region.resultBuffer())};
  emitter.emit();
}

} // namespace tenon::codegen
