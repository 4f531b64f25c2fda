//===- Scatter.cpp - Rows replaced or combined by index -------------------===//
//
// A work group is 16 neighbouring columns: it copies them, then applies the updates in their order. Groups touch
// different elements, so that the result does not depend on the threads.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "SingleOp.h"

#include "Graph/IR/SpecialOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {
namespace {

struct ScatterEmitter {
  KernelBuilder &k;
  ScatterOp op;
  OpBuilder &b = k.builder();
  Location loc = k.loc();
  Value x, indices, updates, y;
  VectorType type;

  Value combine(Value old, Value update) {
    StringRef reduction = op.getReduction();
    bool isUnsigned = op.getX().getType().getElementType().isUnsignedInteger();
    bool isFloat = isa<FloatType>(type.getElementType());
    if (reduction == "add")
      return isFloat ? Value(arith::AddFOp::create(b, loc, old, update)) : arith::AddIOp::create(b, loc, old, update);
    if (reduction == "mul")
      return isFloat ? Value(arith::MulFOp::create(b, loc, old, update)) : arith::MulIOp::create(b, loc, old, update);
    if (reduction == "min")
      return isFloat      ? Value(arith::MinimumFOp::create(b, loc, old, update))
             : isUnsigned ? Value(arith::MinUIOp::create(b, loc, old, update))
                          : arith::MinSIOp::create(b, loc, old, update);
    if (reduction == "max")
      return isFloat      ? Value(arith::MaximumFOp::create(b, loc, old, update))
             : isUnsigned ? Value(arith::MaxUIOp::create(b, loc, old, update))
                          : arith::MaxSIOp::create(b, loc, old, update);
    return update;
  }

  /// One update of 16 columns; y stays as it is where the index is outside.
  void apply(Value m, Value rows, Value width, Value column, Value mask, Value zero) {
    Value index = memref::LoadOp::create(b, loc, indices, ValueRange{m});
    index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
    // As an unsigned number a negative index is large too.
    Value isInside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index, rows);
    Value safe = arith::SelectOp::create(b, loc, isInside, index, k.constant(0));
    Value at = k.add(k.mul(safe, width), column), from = k.add(k.mul(m, width), column);
    Value old = vector::MaskedLoadOp::create(b, loc, type, y, at, mask, zero);
    Value update = vector::MaskedLoadOp::create(b, loc, type, updates, from, mask, zero);
    Value next = arith::SelectOp::create(b, loc, isInside, combine(old, update), old);
    vector::MaskedStoreOp::create(b, loc, y, at, mask, next);
  }

  void emit() {
    auto dims = getDims(op.getX().getType());
    DimAttr blocks = ceilDiv(dims[1], vectorWidth);
    k.setGrid(blocks);
    Value rows = k.param(dims[0]), width = k.param(dims[1]);
    // Without rows there is nothing to update.
    Value hasRows = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, rows, k.constant(0));
    Value count =
        arith::SelectOp::create(b, loc, hasRows, k.param(getDim(op.getIndices().getType(), 0)), k.constant(0));
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    auto maskType = VectorType::get({vectorWidth}, b.getI1Type());
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      Value column = mulConstant(k, group, vectorWidth);
      Value lanes = minimum(k, sub(k, width, column), k.constant(vectorWidth));
      Value mask = vector::CreateMaskOp::create(b, loc, maskType, lanes);
      if (dims[1].isConstant(1))
        copyColumn(rows, zero, maskType);
      else
        forLoop(k, k.constant(0), rows, 1, [&](Value row) {
          Value at = k.add(k.mul(row, width), column);
          vector::MaskedStoreOp::create(b, loc, y, at, mask,
                                        vector::MaskedLoadOp::create(b, loc, type, x, at, mask, zero));
        });
      forLoop(k, k.constant(0), count, 1, [&](Value m) { apply(m, rows, width, column, mask, zero); });
    });
  }

  /// A single column is contiguous.
  void copyColumn(Value rows, Value zero, VectorType maskType) {
    forLoop(k, k.constant(0), rows, vectorWidth, [&](Value at) {
      Value lanes = minimum(k, sub(k, rows, at), k.constant(vectorWidth));
      Value mask = vector::CreateMaskOp::create(b, loc, maskType, lanes);
      vector::MaskedStoreOp::create(b, loc, y, at, mask, vector::MaskedLoadOp::create(b, loc, type, x, at, mask, zero));
    });
  }
};

} // namespace

void emitScatter(const SingleOpRegion &region, KernelBuilder &k) {
  auto op = cast<ScatterOp>(region.op);
  ScatterEmitter emitter{k, op};
  emitter.x = region.buffer(k, op.getX());
  emitter.indices = region.buffer(k, op.getIndices());
  emitter.updates = region.buffer(k, op.getUpdates());
  emitter.y = region.resultBuffer(k);
  emitter.type = VectorType::get({vectorWidth}, cast<MemRefType>(emitter.x.getType()).getElementType());
  emitter.emit();
}

} // namespace tenon::codegen
