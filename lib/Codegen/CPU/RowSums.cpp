//===- RowSums.cpp - The sums of x over the rows of a tile of bytes -------===//
//
// What a zero point of the weights is multiplied with. The bytes of a stretch are summed 64 at a time, by products with
// ones: a sixty-fourth of the tile's own steps.
//
//===----------------------------------------------------------------------===//
#include "IntegerDot.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

struct RowSummer {
  const RegisterTile &tile;
  KernelBuilder &k;
  IntegerDot dot;
  IntegerDot::Bytes ones;

  RowSummer(const RegisterTile &tile, KernelBuilder &k) : tile(tile), k(k), dot(k, *tile.bytes->target) {
    auto type = VectorType::get({4 * vectorWidth}, k.builder().getI8Type());
    auto all = DenseElementsAttr::get(type, k.builder().getI8IntegerAttr(1));
    ones = dot.prepare(arith::ConstantOp::create(k.builder(), k.loc(), all), !tile.bytes->isSigned);
  }

  Value zeros() {
    auto type = VectorType::get({4 * vectorWidth}, k.builder().getI8Type());
    return arith::ConstantOp::create(k.builder(), k.loc(), k.builder().getZeroAttr(type));
  }

  /// Each sum plus `count` bytes of its row from `index` on.
  SmallVector<Value> add(Value index, int64_t count, ValueRange sums) {
    OpBuilder &b = k.builder();
    const bool isSigned = tile.bytes->isSigned;
    SmallVector<Value> next;
    for (auto [row, sum] : llvm::enumerate(sums)) {
      Value at = k.add(index, tile.rowOffsets[row]), bytes;
      if (count == 1) {
        Value byte = memref::LoadOp::create(b, k.loc(), tile.x, at);
        bytes = vector::InsertOp::create(b, k.loc(), byte, zeros(), 0);
      } else {
        bytes = vector::LoadOp::create(b, k.loc(), getVectorType(tile.x, count), tile.x, at);
        if (count < 4 * vectorWidth)
          bytes = vector::InsertStridedSliceOp::create(b, k.loc(), bytes, zeros(), ArrayRef<int64_t>{0},
                                                       ArrayRef<int64_t>{1});
      }
      IntegerDot::Bytes prepared = dot.prepare(bytes, isSigned);
      next.push_back(isSigned ? dot.accumulate(sum, ones, prepared) : dot.accumulate(sum, prepared, ones));
    }
    return next;
  }

  /// `count` bytes from `index` on, in pieces of a power of two.
  SmallVector<Value> addStretch(Value index, int64_t count, SmallVector<Value> sums) {
    int64_t done = 0;
    for (int64_t width : {64, 16, 4, 1}) {
      const int64_t whole = (count - done) / width * width;
      if (whole)
        sums = forLoop(k, k.constant(done), k.constant(done + whole), width, sums,
                       [&](Value i, ValueRange carried) { return add(k.add(index, i), width, carried); });
      done += whole;
    }
    return sums;
  }

  SmallVector<Value> reduce(ArrayRef<ReductionLoop> loops, Value index, SmallVector<Value> sums) {
    const ReductionLoop &loop = loops.front();
    if (loops.size() == 1) {
      const int64_t steps = *getConstant(loop.upper) - *getConstant(loop.lower);
      return addStretch(index, steps * 4 + tile.bytes->tail, std::move(sums));
    }
    return forLoop(k, loop.lower, loop.upper, 1, sums, [&](Value i, ValueRange carried) {
      return reduce(loops.drop_front(), k.add(index, k.mul(i, loop.xStride)), SmallVector<Value>(carried));
    });
  }
};

} // namespace

SmallVector<Value> RegisterTile::emitRowSums(KernelBuilder &k) const {
  OpBuilder &b = k.builder();
  RowSummer summer(*this, k);
  auto type = VectorType::get({vectorWidth}, b.getI32Type());
  Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
  SmallVector<Value> sums = summer.reduce(loops, xBase, SmallVector<Value>(rowOffsets.size(), zero));
  for (Value &sum : sums)
    sum = vector::ReductionOp::create(b, k.loc(), vector::CombiningKind::ADD, sum);
  return sums;
}

} // namespace tenon::codegen
