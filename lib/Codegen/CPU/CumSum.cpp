//===- CumSum.cpp - Running sums ------------------------------------------===//
//
// The tensor is [outer, n, inner] around the axis. A work group is one of `outer` and 16 neighbours of `inner`: a loop
// along the axis carries their sums.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "SingleOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

void emitCumSum(const SingleOpRegion &region, KernelBuilder &k) {
  auto op = cast<CumSumOp>(region.op);
  OpBuilder &b = k.builder();
  auto dims = getDims(op.getX().getType());
  ArrayRef<DimAttr> all = dims;
  DimAttr outer = product(op.getContext(), all.take_front(op.getAxis()));
  DimAttr inner = product(op.getContext(), all.drop_front(op.getAxis() + 1));
  DimAttr blocks = ceilDiv(inner, vectorWidth);
  k.setGrid(outer * blocks);
  Value x = region.buffer(k, op.getX()), y = region.resultBuffer(k);
  Value count = k.param(dims[op.getAxis()]), width = k.param(inner);
  auto type = VectorType::get({vectorWidth}, cast<MemRefType>(x.getType()).getElementType());
  Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
  forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
    Value column = mulConstant(k, remainder(k, group, k.param(blocks)), vectorWidth);
    Value first = k.add(k.mul(divide(k, group, k.param(blocks)), k.mul(count, width)), column);
    Value lanes = minimum(k, sub(k, width, column), k.constant(vectorWidth));
    Value mask = vector::CreateMaskOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI1Type()), lanes);
    forLoop(k, k.constant(0), count, 1, zero, [&](Value i, ValueRange sums) -> SmallVector<Value> {
      if (op.getReverse())
        i = sub(k, addConstant(k, count, -1), i);
      Value at = k.add(first, k.mul(i, width));
      Value element = vector::MaskedLoadOp::create(b, k.loc(), type, x, at, mask, zero);
      Value sum = isa<FloatType>(type.getElementType()) ? Value(arith::AddFOp::create(b, k.loc(), sums[0], element))
                                                        : arith::AddIOp::create(b, k.loc(), sums[0], element);
      vector::MaskedStoreOp::create(b, k.loc(), y, at, mask, op.getExclusive() ? Value(sums[0]) : sum);
      return {sum};
    });
  });
}

} // namespace tenon::codegen
