//===- GemmBatched.cpp - Matrix products of two computed operands ---------===//
//
// Work group g = (batch g / panels, 32 columns g % panels). The columns are first copied to scratch as one weight
// panel, transposed if need be: then the product is the one with packed weights, and the copy is paid once for all
// rows.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "HeavyRegion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

struct BatchedEmitter {
  const HeavyRegion &region;
  KernelBuilder &k;
  const CpuTarget &target;
  EpilogueFn epilogue;

  SmallVector<graph::DimAttr> x, w, y; ///< extents, with rank-1 operands as matrices
  bool transposed = false;             ///< w is [.., n, k]
  bool hasRows = true, hasColumns = true;
  Value rows, columns, depth;
  Value panel; ///< scratch

  graph::DimAttr one() const { return graph::DimAttr::constant(k.builder().getContext(), 1); }
  graph::DimAttr columnDim() const { return w[w.size() - (transposed ? 2 : 1)]; }

  void readShapes() {
    x = graph::getDims(region.operandType(0));
    w = graph::getDims(region.operandType(1));
    y = graph::getDims(region.resultType());
    transposed = cast<graph::MatMulOp>(region.heavy).getTransposeW();
    if (x.size() == 1) {
      hasRows = false;
      x.insert(x.begin(), one());
    }
    if (w.size() == 1) {
      hasColumns = false;
      w.push_back(one());
    }
    y.resize(y.size() - hasRows - hasColumns);
    rows = k.param(x[x.size() - 2]);
    depth = k.param(x.back());
    columns = k.param(columnDim());
  }

  /// Flat index of the matrix of an operand with extents `dims` at batch `coords`: broadcast extents do not move it.
  Value matrixBase(ArrayRef<graph::DimAttr> dims, ArrayRef<Value> coords) {
    Value base = k.constant(0);
    ArrayRef<graph::DimAttr> batch = dims.drop_back(2);
    ArrayRef<graph::DimAttr> result = ArrayRef(y).take_back(batch.size());
    coords = coords.take_back(batch.size());
    for (auto [i, dim] : llvm::enumerate(batch)) {
      base = k.mul(base, k.param(dim));
      if (dim.isConstant(1) && !result[i].isConstant(1))
        continue;
      Value coord = coords[i];
      if (dim != result[i]) {
        Value isOne =
            arith::CmpIOp::create(k.builder(), k.loc(), arith::CmpIPredicate::eq, k.param(dim), k.constant(1));
        coord = arith::SelectOp::create(k.builder(), k.loc(), isOne, k.constant(0), coord);
      }
      base = k.add(base, coord);
    }
    return k.mul(base, k.mul(k.param(dims[dims.size() - 2]), k.param(dims.back())));
  }

  /// Lanes of vector v of the columns from `first` on: null if all, for a number of columns divisible by the panel.
  Value lanesOf(Value first, int64_t v) {
    if (std::optional<int64_t> constant = getConstant(columns); constant && *constant % weightPanel == 0)
      return {};
    Value left = sub(k, columns, addConstant(k, first, v * vectorWidth));
    return maximum(k, minimum(k, left, k.constant(vectorWidth)), k.constant(0));
  }

  void copyPanel(Value source, Value base, Value first) {
    forLoop(k, k.constant(0), depth, 1, [&](Value row) {
      for (int64_t v = 0; v < weightPanel / vectorWidth; ++v) {
        Value from = k.add(k.add(base, k.mul(row, columns)), addConstant(k, first, v * vectorWidth));
        Value to = addConstant(k, mulConstant(k, row, weightPanel), v * vectorWidth);
        storeVector(k, loadVector(k, source, from, lanesOf(first, v)), panel, to);
      }
    });
  }

  /// Rows i and i + 8 interleaved, four times: the transpose of 16 vectors.
  SmallVector<Value> transposeVectors(SmallVector<Value> vectors) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < vectorWidth / 2; ++i) {
      low.append({i, i + vectorWidth});
      high.append({i + vectorWidth / 2, i + vectorWidth / 2 + vectorWidth});
    }
    for (int round = 0; round < 4; ++round) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < vectorWidth / 2; ++i)
        for (ArrayRef<int64_t> order : {ArrayRef(low), ArrayRef(high)})
          next.push_back(
              vector::ShuffleOp::create(k.builder(), k.loc(), vectors[i], vectors[i + vectorWidth / 2], order));
      vectors = std::move(next);
    }
    return vectors;
  }

  /// As copyPanel from [n, k]. Columns past the end repeat the last one: nobody stores what comes of them.
  void transposePanel(Value source, Value base, Value first) {
    Value whole = mulConstant(k, divide(k, depth, k.constant(vectorWidth)), vectorWidth);
    Value lastColumn = addConstant(k, columns, -1);
    auto columnBase = [&](Value column) { return k.add(base, k.mul(minimum(k, column, lastColumn), depth)); };
    forLoop(k, k.constant(0), k.constant(weightPanel), vectorWidth, [&](Value v) {
      SmallVector<Value> starts;
      for (int64_t i = 0; i < vectorWidth; ++i)
        starts.push_back(columnBase(addConstant(k, k.add(first, v), i)));
      forLoop(k, k.constant(0), whole, vectorWidth, [&](Value row) {
        SmallVector<Value> vectors;
        for (Value start : starts)
          vectors.push_back(loadVector(k, source, k.add(start, row)));
        vectors = transposeVectors(vectors);
        Value to = k.add(mulConstant(k, row, weightPanel), v);
        for (auto [i, vector] : llvm::enumerate(vectors))
          storeVector(k, vector, panel, addConstant(k, to, i * weightPanel));
      });
    });
    forLoop(k, k.constant(0), k.constant(weightPanel), 1, [&](Value column) {
      Value start = columnBase(k.add(first, column));
      forLoop(k, whole, depth, 1, [&](Value row) {
        Value element = memref::LoadOp::create(k.builder(), k.loc(), source, k.add(start, row));
        memref::StoreOp::create(k.builder(), k.loc(), element, panel, k.add(mulConstant(k, row, weightPanel), column));
      });
    });
  }

  void emitTile(Value row, int64_t count, Value xMatrix, Value yMatrix, ArrayRef<Value> batch, Value first,
                int64_t offset) {
    RegisterTile tile;
    tile.x = k.buffer(region.bufferOf(0));
    tile.xBase = k.add(xMatrix, k.mul(row, depth));
    for (int64_t i = 0; i < count; ++i)
      tile.rowOffsets.push_back(mulConstant(k, depth, i));
    tile.w = panel;
    tile.wBase = k.constant(offset);
    tile.vectors = target.tileVectors;
    tile.loops.push_back({k.constant(0), depth, k.constant(1), weightPanel});
    SmallVector<Value> sums = tile.emit(k);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value column = addConstant(k, first, offset + v * vectorWidth);
        Value lanes = lanesOf(first, offset / vectorWidth + v);
        SmallVector<Value> at(batch);
        if (hasRows)
          at.push_back(addConstant(k, row, i));
        if (hasColumns)
          at.push_back(column);
        Value result = epilogue(k.builder(), k.loc(), sums[i * tile.vectors + v], at, lanes);
        Value to = k.add(k.add(yMatrix, k.mul(addConstant(k, row, i), columns)), column);
        storeVector(k, result, k.buffer(region.resultBuffer()), to, lanes);
      }
  }

  void emit() {
    readShapes();
    MLIRContext *context = k.builder().getContext();
    panel = k.scratch(x.back() * (weightPanel * 4), k.builder().getF32Type());
    graph::DimAttr panels = graph::ceilDiv(columnDim(), weightPanel);
    k.setGrid(graph::product(context, y) * panels);
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      Value batch = divide(k, group, k.param(panels));
      Value first = mulConstant(k, remainder(k, group, k.param(panels)), weightPanel);
      SmallVector<Value> coords = unflatten(k, y, batch, 1).front();
      Value source = k.buffer(region.bufferOf(1)), wMatrix = matrixBase(w, coords);
      if (transposed)
        transposePanel(source, wMatrix, first);
      else
        copyPanel(source, wMatrix, first);
      Value xMatrix = matrixBase(x, coords), yMatrix = k.mul(batch, k.mul(rows, columns));
      const int64_t width = target.tileVectors * vectorWidth;
      for (int64_t offset = 0; offset < weightPanel; offset += width)
        forTiles(k, k.constant(0), rows, Extent{getConstant(rows), {}}, target.tileRows,
                 [&](Value row, int64_t count) { emitTile(row, count, xMatrix, yMatrix, coords, first, offset); });
    });
  }
};

} // namespace

void emitBatchedProduct(const HeavyRegion &region, KernelBuilder &k, const CpuTarget &target, EpilogueFn epilogue) {
  BatchedEmitter{region, k, target, epilogue}.emit();
}

} // namespace tenon::codegen
