//===- IntegerPlain.cpp - Products of integers of any form ----------------===//
//
// Weights as they are, with batches, 16 columns of one row at a time: for weights that are computed at run time, or of
// several matrices. Work group g is row g of the result.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "ZeroPoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

struct PlainProductEmitter {
  const HeavyRegion &region;
  KernelBuilder &k;
  EpilogueFn epilogue;
  ZeroPoints zeros;
  SmallVector<graph::DimAttr> x, w, y;
  Value xBuffer, wBuffer, yBuffer, columns, depth;

  PlainProductEmitter(const HeavyRegion &region, KernelBuilder &k, EpilogueFn epilogue)
      : region(region), k(k), epilogue(epilogue), zeros(region, k, /*packed=*/false),
        x(graph::getDims(region.operandType(0))), w(graph::getDims(region.operandType(1))),
        y(graph::getDims(region.resultType())), xBuffer(k.buffer(region.bufferOf(0))),
        wBuffer(k.buffer(region.bufferOf(1))), yBuffer(k.buffer(region.resultBuffer())), columns(k.param(y.back())),
        depth(k.param(x.back())) {}

  /// Flat index of the matrix of an operand with extents `dims` at a row of y: broadcast extents do not move it.
  Value matrixBase(ArrayRef<graph::DimAttr> dims, ArrayRef<Value> row) {
    Value base = k.constant(0);
    ArrayRef<Value> batch = row.drop_back().take_back(dims.size() - 2);
    for (auto [dim, coord] : llvm::zip_equal(dims.drop_back(2), batch)) {
      Value isOne =
          k.builder().createOrFold<arith::CmpIOp>(k.loc(), arith::CmpIPredicate::eq, k.param(dim), k.constant(1));
      Value moved = k.builder().createOrFold<arith::SelectOp>(k.loc(), isOne, k.constant(0), coord);
      base = k.add(k.mul(base, k.param(dim)), moved);
    }
    return k.mul(base, k.mul(k.param(dims[dims.size() - 2]), k.param(dims.back())));
  }

  /// Weights (i, column ..) as vector<16xi32>, less their zero points.
  Value loadWeights(Value base, Value i, Value column, Value lanes) {
    OpBuilder &b = k.builder();
    Value bytes;
    if (region.isTransposed()) {
      auto type = VectorType::get({vectorWidth}, b.getIndexType());
      Value lane = vector::StepOp::create(b, k.loc(), type);
      Value all = vector::BroadcastOp::create(b, k.loc(), type, depth);
      Value offsets = arith::MulIOp::create(b, k.loc(), lane, all);
      Value mask = vector::CreateMaskOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI1Type()), lanes);
      bytes = k.gather(b, getVectorType(wBuffer), wBuffer, k.add(base, k.add(k.mul(column, depth), i)), offsets, mask);
    } else {
      bytes = loadVector(k, wBuffer, k.add(base, k.add(k.mul(i, columns), column)), lanes);
    }
    return arith::SubIOp::create(b, k.loc(), zeros.widenW(bytes), zeros.wZeros(column, lanes));
  }

  /// 16 columns of a row.
  void emitVector(ArrayRef<Value> row, Value rowIndex, Value xBase, Value wBase, Value column) {
    OpBuilder &b = k.builder();
    Value lanes = minimum(k, sub(k, columns, column), k.constant(vectorWidth));
    auto type = VectorType::get({vectorWidth}, b.getI32Type());
    Value start = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
    Value sums = forLoop(k, k.constant(0), depth, 1, start, [&](Value i, ValueRange carried) {
      Value byte = memref::LoadOp::create(b, k.loc(), xBuffer, k.add(xBase, i));
      Value scalar = arith::SubIOp::create(b, k.loc(), zeros.widenX(byte), zeros.xZero());
      Value all = vector::BroadcastOp::create(b, k.loc(), type, scalar);
      Value products = arith::MulIOp::create(b, k.loc(), all, loadWeights(wBase, i, column, lanes));
      return SmallVector<Value>{arith::AddIOp::create(b, k.loc(), carried[0], products)};
    })[0];
    SmallVector<Value> at(row);
    at.push_back(column);
    storeVector(k, epilogue(b, k.loc(), sums, at, lanes), yBuffer, k.add(k.mul(rowIndex, columns), column), lanes);
  }

  void emit() {
    SmallVector<graph::DimAttr> rowDims(ArrayRef(y).drop_back());
    k.setGrid(graph::product(k.builder().getContext(), rowDims));
    Value rowsOfMatrix = k.param(x[x.size() - 2]);
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      SmallVector<Value> row = unflatten(k, rowDims, group, 1).front();
      Value xBase = k.add(matrixBase(x, row), k.mul(remainder(k, group, rowsOfMatrix), depth));
      Value wBase = matrixBase(w, row);
      forLoop(k, k.constant(0), columns, vectorWidth,
              [&](Value column) { emitVector(row, group, xBase, wBase, column); });
    });
  }
};

} // namespace

void emitPlainIntegerProduct(const HeavyRegion &region, KernelBuilder &k, EpilogueFn epilogue) {
  PlainProductEmitter(region, k, epilogue).emit();
}

} // namespace tenon::codegen
