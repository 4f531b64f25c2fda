//===- Cumulative.cpp - Running sums and products -------------------------===//
//
// The tensor is [outer, n, inner] around the axis. A work group is one of `outer` and 16 neighbours of `inner`: a loop
// along the axis carries their sums (or products).
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "SingleOp.h"

#include "Graph/IR/SpecialOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

namespace {

/// What the two ops have in common.
struct Cumulative {
  Value x;
  int64_t axis;
  bool isExclusive, isReversed, isProduct;

  explicit Cumulative(Operation *op) : x(op->getOperand(0)), isProduct(isa<CumProdOp>(op)) {
    auto read = [&](auto typed) {
      axis = typed.getAxis();
      isExclusive = typed.getExclusive();
      isReversed = typed.getReverse();
    };
    if (isProduct)
      read(cast<CumProdOp>(op));
    else
      read(cast<CumSumOp>(op));
  }

  Value combine(OpBuilder &b, Location loc, Value a, Value c) const {
    if (isa<FloatType>(getElementTypeOrSelf(a.getType())))
      return isProduct ? Value(arith::MulFOp::create(b, loc, a, c)) : arith::AddFOp::create(b, loc, a, c);
    return isProduct ? Value(arith::MulIOp::create(b, loc, a, c)) : arith::AddIOp::create(b, loc, a, c);
  }
  TypedAttr neutral(OpBuilder &b, VectorType type) const {
    Type element = type.getElementType();
    TypedAttr one = isa<FloatType>(element) ? TypedAttr(b.getFloatAttr(element, 1)) : b.getIntegerAttr(element, 1);
    return isProduct ? DenseElementsAttr::get(type, Attribute(one)) : b.getZeroAttr(type);
  }
};

} // namespace

void emitCumulative(const SingleOpRegion &region, KernelBuilder &k) {
  const Cumulative op(region.op);
  OpBuilder &b = k.builder();
  auto dims = getDims(cast<RankedTensorType>(op.x.getType()));
  ArrayRef<DimAttr> all = dims;
  DimAttr outer = product(b.getContext(), all.take_front(op.axis));
  DimAttr inner = product(b.getContext(), all.drop_front(op.axis + 1));
  DimAttr blocks = ceilDiv(inner, vectorWidth);
  k.setGrid(outer * blocks);
  Value x = region.buffer(k, op.x), y = region.resultBuffer(k);
  Value count = k.param(dims[op.axis]), width = k.param(inner);
  auto type = VectorType::get({vectorWidth}, cast<MemRefType>(x.getType()).getElementType());
  Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
  Value neutral = arith::ConstantOp::create(b, k.loc(), op.neutral(b, type));
  forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
    Value column = mulConstant(k, remainder(k, group, k.param(blocks)), vectorWidth);
    Value first = k.add(k.mul(divide(k, group, k.param(blocks)), k.mul(count, width)), column);
    Value lanes = minimum(k, sub(k, width, column), k.constant(vectorWidth));
    Value mask = vector::CreateMaskOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI1Type()), lanes);
    forLoop(k, k.constant(0), count, 1, neutral, [&](Value i, ValueRange sums) -> SmallVector<Value> {
      if (op.isReversed)
        i = sub(k, addConstant(k, count, -1), i);
      Value at = k.add(first, k.mul(i, width));
      Value element = vector::MaskedLoadOp::create(b, k.loc(), type, x, at, mask, zero);
      Value sum = op.combine(b, k.loc(), sums[0], element);
      vector::MaskedStoreOp::create(b, k.loc(), y, at, mask, op.isExclusive ? Value(sums[0]) : sum);
      return {sum};
    });
  });
}

} // namespace tenon::codegen
