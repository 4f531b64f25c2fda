//===- DepthwiseInteger.cpp - Tiles of depthwise convolutions of bytes ----===//
//
// Rows 2 p and 2 p + 1 of the window are loaded as pairs of 16 bits, x - xz each, and meet pairs of weights of one
// column of the kernel: two multiply-adds an instruction. An output row that starts at an odd row of the window takes
// its weights one place further down, with 0 above the first: each parity has its own pairs of weights.
//
//===----------------------------------------------------------------------===//
#include "DepthwiseInteger.h"

#include "IntegerDot.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

struct PairEmitter {
  const ConvGeometry &g;
  KernelBuilder &k;
  const CpuTarget &target;
  ZeroPoints &zeros;
  const DepthwiseWindow &window;
  Value w, channel, lanes;

  VectorType words() const { return VectorType::get({2 * vectorWidth}, k.builder().getI16Type()); }
  VectorType sums() const { return VectorType::get({vectorWidth}, k.builder().getI32Type()); }

  Value constant(int64_t value) {
    return arith::ConstantOp::create(k.builder(), k.loc(),
                                     DenseElementsAttr::get(sums(), k.builder().getI32IntegerAttr(value)));
  }
  Value toWords(Value vector) { return vector::BitCastOp::create(k.builder(), k.loc(), words(), vector); }

  /// low and high, vectors of i32 of which the lower 16 bits count, as pairs; either may be null for 0.
  Value pair(Value low, Value high) {
    OpBuilder &b = k.builder();
    if (low)
      low = arith::AndIOp::create(b, k.loc(), low, constant(0xffff));
    if (!high)
      return toWords(low);
    high = arith::ShLIOp::create(b, k.loc(), high, constant(16));
    return toWords(low ? Value(arith::OrIOp::create(b, k.loc(), low, high)) : high);
  }

  /// Pairs of weights [parity][pair of rows][column of the kernel]; null where an output row cannot meet them.
  SmallVector<Value> pairWeights(int64_t parity) {
    const int64_t padded = llvm::alignTo(g.columns, vectorWidth);
    Value zero = zeros.wZeros(channel, lanes);
    auto weight = [&](int64_t row, int64_t column) -> Value {
      if (row < 0 || row >= g.kernelHeight)
        return {};
      Value bytes = loadVector(k, w, addConstant(k, channel, (row * g.kernelWidth + column) * padded));
      return k.builder().createOrFold<arith::SubIOp>(k.loc(), zeros.widenW(bytes), zero);
    };
    SmallVector<Value> all;
    for (int64_t row = -parity; row < g.kernelHeight; row += 2)
      for (int64_t column = 0; column < g.kernelWidth; ++column)
        all.push_back(pair(weight(row, column), weight(row + 1, column)));
    return all;
  }

  Value loadInput(int64_t row, int64_t pixel) {
    if (row >= static_cast<int64_t>(window.buffers.size()))
      return {};
    Value index = addConstant(k, k.add(window.bases[row], channel), pixel * g.channels);
    Value bytes = loadVector(k, window.buffers[row], index, lanes);
    return arith::ExtUIOp::create(k.builder(), k.loc(), sums(), bytes);
  }

  /// x - xz of rows 2 p and 2 p + 1 at a pixel of the window.
  Value pairInputs(int64_t p, int64_t pixel) {
    OpBuilder &b = k.builder();
    Value high = loadInput(2 * p + 1, pixel), both = loadInput(2 * p, pixel);
    if (high)
      both = arith::OrIOp::create(b, k.loc(), both, arith::ShLIOp::create(b, k.loc(), high, constant(16)));
    both = toWords(both);
    auto splat = [&](Value word) -> Value { return vector::BroadcastOp::create(b, k.loc(), words(), word); };
    if (zeros.isXSigned()) {
      Value eight = arith::ConstantOp::create(b, k.loc(), DenseElementsAttr::get(words(), b.getI16IntegerAttr(8)));
      both = arith::ShRSIOp::create(b, k.loc(), arith::ShLIOp::create(b, k.loc(), both, eight), eight);
    }
    if (!zeros.hasXZero())
      return both;
    Value zero = arith::TruncIOp::create(b, k.loc(), b.getI16Type(), zeros.xZero());
    return arith::SubIOp::create(b, k.loc(), both, splat(zero));
  }

  SmallVector<Value> emit() {
    IntegerDot dot(k, target);
    SmallVector<Value> weights[2], totals(window.rows * window.pixels, constant(0));
    for (int64_t i = 0; i < window.rows; ++i)
      if (const int64_t parity = i * g.strideHeight % 2; weights[parity].empty())
        weights[parity] = pairWeights(parity);
    const int64_t reach = (window.rows - 1) * g.strideHeight + g.kernelHeight;
    for (int64_t p = 0; 2 * p < reach; ++p)
      for (int64_t pixel = window.validBegin; pixel < window.validEnd; ++pixel)
        addInput(dot, p, pixel, weights, totals);
    return totals;
  }

  /// Adds the pairs of rows 2 p, 2 p + 1 at a pixel to the outputs that they belong to.
  void addInput(IntegerDot &dot, int64_t p, int64_t pixel, ArrayRef<SmallVector<Value>> weights,
                MutableArrayRef<Value> totals) {
    Value inputs;
    for (int64_t i = 0; i < window.rows; ++i)
      for (int64_t j = 0; j < window.pixels; ++j) {
        const int64_t start = i * g.strideHeight, parity = start % 2, right = pixel - j * g.strideWidth;
        const int64_t pairRow = p - start / 2, column = right / g.dilationWidth;
        if (pairRow < 0 || 2 * pairRow - parity >= g.kernelHeight || right < 0 || right % g.dilationWidth ||
            column >= g.kernelWidth)
          continue;
        if (!inputs)
          inputs = pairInputs(p, pixel);
        Value &total = totals[i * window.pixels + j];
        total = dot.accumulatePairs(total, inputs, weights[parity][pairRow * g.kernelWidth + column]);
      }
  }
};

} // namespace

SmallVector<Value> emitDepthwisePairs(const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                                      ZeroPoints &zeros, Value w, const DepthwiseWindow &window, Value channel,
                                      Value lanes) {
  return PairEmitter{g, k, target, zeros, window, w, channel, lanes}.emit();
}

} // namespace tenon::codegen
