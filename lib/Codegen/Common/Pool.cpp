//===- Pool.cpp - Maximum and mean over windows ---------------------------===//
//
// One vector of results: a loop per window dimension, clipped to the input. Where the lanes run along a window
// dimension (channels first) the loop visits the whole window and lanes outside the input are left out one by one.
//
//===----------------------------------------------------------------------===//
#include "tenon/Codegen/Common/Evaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

/// One window dimension of a pooling at some result coordinate: taps [lo, hi) of the window lie in the input.
struct Window {
  unsigned dim;
  int64_t size, dilation;
  Coord start, lo, hi;
  Coord count; ///< what the mean divides by
};

Value likeOf(const IndexMath &math, Value x, Value scalar) {
  return isa<VectorType>(x.getType()) ? math.splat(scalar) : scalar;
}

/// Taps before the first at `limit` or beyond: clamp(ceil((limit - start) / dilation), 0, size).
Value tapsBefore(const IndexMath &math, Value start, Value limit, int64_t size, int64_t dilation) {
  Value distance = math.max(math.sub(likeOf(math, start, limit), start), math.constantLike(start, 0));
  return math.min(math.ceilDiv(distance, math.constantLike(start, dilation)), math.constantLike(start, size));
}

template <typename Op>
SmallVector<Window> getWindows(Op op, const IndexMath &math, ArrayRef<Coord> coords, ArrayRef<Value> extents,
                               bool includePad) {
  SmallVector<Window> windows;
  unsigned rank = op.getKernel().size();
  for (unsigned i = 0; i < rank; ++i) {
    Window w{(op.getChannelsLast() ? 1u : 2u) + i, op.getKernel()[i], op.getDilations()[i], {}, {}, {}, {}};
    int64_t begin = op.getPads()[i], end = op.getPads()[rank + i];
    Value extent = extents[w.dim];
    w.start = math.add(math.mul(coords[w.dim], math.constant(op.getStrides()[i])), math.uniform(math.constant(-begin)));
    auto before = [&](Value limit) {
      return math.map(w.start, [&](Value start) { return tapsBefore(math, start, limit, w.size, w.dilation); });
    };
    w.lo = before(math.constant(0));
    w.hi = before(extent);
    if (includePad)
      w.count = before(math.add(extent, math.constant(end)));
    else if (w.lo.isUniform())
      w.count = math.uniform(math.sub(w.hi.base, w.lo.base));
    else
      w.count.each = math.sub(w.hi.each, w.lo.each);
    windows.push_back(w);
  }
  return windows;
}

/// Folds value(coords) into `total` over the taps of windows; coords of window dimensions are filled in.
class WindowLoop {
public:
  WindowLoop(const IndexMath &math, ArrayRef<Window> windows, ArrayRef<Value> extents)
      : math(math), windows(windows), extents(extents) {}

  Value run(SmallVector<Coord> &coords, Value total, Value inside,
            function_ref<Value(ArrayRef<Coord>, Value total, Value inside)> fold, unsigned level = 0) {
    if (level == windows.size())
      return fold(coords, total, inside);
    const Window &w = windows[level];
    bool scalar = w.start.isUniform();
    Value from = scalar ? w.lo.base : math.constant(0), to = scalar ? w.hi.base : math.constant(w.size);
    auto loop = scf::ForOp::create(math.b, math.loc, from, to, math.constant(1), ValueRange{total});
    OpBuilder::InsertionGuard guard(math.b);
    math.b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    coords[w.dim] = math.add(w.start, math.uniform(math.mul(k, math.constant(w.dilation))));
    if (!scalar)
      inside = clampLanes(w, k, coords[w.dim], inside);
    Value next = run(coords, loop.getRegionIterArgs()[0], inside, fold, level + 1);
    scf::YieldOp::create(math.b, math.loc, next);
    return loop.getResult(0);
  }

private:
  /// Which lanes have tap k in the input; the others read the nearest element.
  Value clampLanes(const Window &w, Value k, Coord &coord, Value inside) {
    Value tap = math.splat(k);
    Value notBefore = math.less(math.sub(w.lo.each, math.constantLike(tap, 1)), tap);
    Value here = math.b.createOrFold<arith::AndIOp>(math.loc, notBefore, math.less(tap, w.hi.each));
    Value x = math.toVector(coord);
    Value last = math.splat(math.sub(extents[w.dim], math.constant(1)));
    coord = {{}, {}, math.max(math.min(x, last), math.constantLike(x, 0)), false};
    return inside ? math.b.createOrFold<arith::AndIOp>(math.loc, inside, here) : here;
  }

  const IndexMath &math;
  ArrayRef<Window> windows;
  ArrayRef<Value> extents;
};

TypedAttr lowestOf(Type elementType) {
  Builder b(elementType.getContext());
  Type type = registerType(elementType);
  if (auto floating = dyn_cast<FloatType>(type))
    return b.getFloatAttr(type, APFloat::getInf(floating.getFloatSemantics(), /*Negative=*/true));
  unsigned width = type.getIntOrFloatBitWidth();
  return b.getIntegerAttr(type, elementType.isUnsignedInteger() ? APInt(width, 0) : APInt::getSignedMinValue(width));
}

Value maximum(OpBuilder &b, Location loc, Value x, Value y, bool isUnsigned) {
  if (isa<FloatType>(getElementTypeOrSelf(x.getType())))
    return arith::MaximumFOp::create(b, loc, x, y);
  return isUnsigned ? Value(arith::MaxUIOp::create(b, loc, x, y)) : Value(arith::MaxSIOp::create(b, loc, x, y));
}

} // namespace

Value Evaluator::computeMaxPool(MaxPoolOp op, ArrayRef<Coord> coords) {
  Type elementType = op.getX().getType().getElementType();
  Value lowest = splatConstant(registerType(elementType), lowestOf(elementType));
  SmallVector<Value> own = extents(op.getX());
  SmallVector<Window> windows = getWindows(op, math, coords, own, /*includePad=*/false);
  SmallVector<Coord> at(coords);
  return WindowLoop(math, windows, own).run(at, lowest, {}, [&](ArrayRef<Coord> c, Value total, Value inside) {
    Scope scope(*this);
    Value x = evaluate(op.getX(), c);
    if (inside)
      x = math.select(inside, x, lowest);
    return maximum(b, math.loc, x, total, elementType.isUnsignedInteger());
  });
}

Value Evaluator::computeAveragePool(AveragePoolOp op, ArrayRef<Coord> coords) {
  Type type = op.getX().getType().getElementType();
  Value zero = splatConstant(type, b.getZeroAttr(type));
  SmallVector<Value> own = extents(op.getX());
  SmallVector<Window> windows = getWindows(op, math, coords, own, op.getCountIncludePad());
  SmallVector<Coord> at(coords);
  Value sum = WindowLoop(math, windows, own).run(at, zero, {}, [&](ArrayRef<Coord> c, Value total, Value inside) {
    Scope scope(*this);
    Value x = evaluate(op.getX(), c);
    if (inside)
      x = math.select(inside, x, zero);
    return arith::AddFOp::create(b, math.loc, total, x);
  });
  Coord count = math.uniform(math.constant(1));
  for (const Window &w : windows)
    count = w.count.isUniform() ? math.mul(count, w.count.base)
                                : Coord{{}, {}, math.mul(math.toVector(count), w.count.each), false};
  return arith::DivFOp::create(b, math.loc, sum, fromIndex(count, type));
}

} // namespace tenon::codegen
