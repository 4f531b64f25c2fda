//===- GatherSmallTables.cpp - Pick rows of a table, then decode them -----===//
//
// A table of weights, as of embeddings, stays in its small form; two numbers of 4 bits share a byte.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/NarrowTypes.h"
#include "Graph/IR/QuantizationOps.h"
#include "Graph/IR/SpecialOps.h"
#include "tenon/Transforms/QuantizationPasses.h"

namespace tenon {
#define GEN_PASS_DEF_GATHERSMALLTABLES
#include "tenon/Transforms/QuantizationPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

struct Rewriter {
  Expressions c;
  GatherOp op;

  int64_t indexRank() { return Expressions::typeOf(op.getIndices()).getRank(); }
  Value gather(Value table) {
    return c.make<GatherOp>(table, op.getIndices(), c.b.getI64IntegerAttr(static_cast<int64_t>(op.getAxis())));
  }
  Value bitcast(Value x, Type element) {
    return Expressions::elementOf(x) == element ? x
                                                : c.make<BitcastOp>(getTensorType(Expressions::dimsOf(x), element), x);
  }

  /// Rows of numbers of 4 bits, from bytes that hold column j and column j + half.
  Value gatherHalves(Value bytes, int64_t axis, int64_t half) {
    auto part = [&](int64_t first) { return c.slice(bytes, axis, c.dim(first), c.dim(half)); };
    Value packed = c.make<BitOrOp>(c.bitsAnd(part(0), 15), c.shiftLeft(part(half), 4)); // folded
    Value rows = gather(packed);
    SmallVector<Value> parts{c.bitsAnd(rows, 15), c.shiftRight(rows, 4)};
    return c.make<ConcatOp>(parts, c.b.getI64IntegerAttr(Expressions::typeOf(rows).getRank() - 1));
  }

  /// Rows of a constant of any type: of its bytes, as they are numbers that can be moved.
  Value gatherCodes(Value codes) {
    auto type = Expressions::typeOf(codes);
    if (!isNarrow(type.getElementType()))
      return gather(codes);
    auto stored = codes.getDefiningOp<BitcastOp>();
    Value bytes = stored ? bitcast(stored.getX(), c.u8()) : bitcast(codes, c.u8());
    const int64_t last = type.getRank() - 1, columns = type.getDimSize(last);
    const bool isHalved =
        type.getElementTypeBitWidth() == 4 && last != static_cast<int64_t>(op.getAxis()) && columns % 2 == 0;
    return bitcast(isHalved ? gatherHalves(bytes, last, columns / 2) : gather(bytes), type.getElementType());
  }

  /// The gathered table, or null where scales follow the gathered axis in a way that has no words.
  Value rewrite(DequantizeOp table) {
    const int64_t axis = op.getAxis(), along = table.getAxis(), block = table.getBlockSize();
    const int64_t moved = along < axis ? along : along + indexRank() - 1;
    Value scale = table.getScale(), zero = table.getZeroPoint();
    auto dequantize = [&](Value scale, Value zero, int64_t axis, int64_t block) {
      return c.make<DequantizeOp>(gatherCodes(table.getQ()), scale, zero, axis, block);
    };
    auto pick = [&](Value v) { return v ? gatherCodes(v) : v; };
    if (Expressions::typeOf(scale).getRank() == 0 || (block == 0 && along != axis))
      return dequantize(scale, zero, moved, block);
    if (along != axis)
      return dequantize(pick(scale), pick(zero), moved, block);
    auto type = Expressions::typeOf(table.getQ());
    if (block != 0 || axis != 0 || type.getRank() != 2)
      return {};
    // A scale for each row: one block as wide as the row.
    auto pickRows = [&](Value v) -> Value {
      if (!v)
        return v;
      Value rows = gatherCodes(v);
      auto dims = Expressions::dimsOf(rows);
      dims.push_back(c.dim(1));
      return c.reshape(rows, dims);
    };
    return dequantize(pickRows(scale), pickRows(zero), indexRank(), type.getDimSize(1));
  }
};

/// A constant, or its bytes as numbers of another type.
bool isConstant(Value v) {
  auto bytes = v.getDefiningOp<BitcastOp>();
  return static_cast<bool>((bytes ? bytes.getX() : v).getDefiningOp<ConstantOp>());
}

/// gather (dequantize q, s), i  ->  dequantize (gather q, i), (gather s, i)
struct GatherSmallTables : tenon::impl::GatherSmallTablesBase<GatherSmallTables> {
  void runOnOperation() override {
    SmallVector<GatherOp> gathers(getOperation().getBody().front().getOps<GatherOp>());
    for (GatherOp op : gathers) {
      auto table = op.getX().getDefiningOp<DequantizeOp>();
      if (!table || !Expressions::typeOf(table.getQ()).hasStaticShape() ||
          !llvm::all_of(table->getOperands(), isConstant))
        continue;
      OpBuilder builder(op);
      Value rows = Rewriter{{builder, op.getLoc()}, op}.rewrite(table);
      if (!rows)
        continue;
      op.replaceAllUsesWith(rows);
      op.erase();
      if (table->use_empty())
        table.erase();
    }
  }
};

} // namespace
