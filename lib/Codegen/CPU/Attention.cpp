//===- Attention.cpp - Attention in one pass over keys and values ---------===//
//
// After FlashAttention-2 (arXiv:2307.08691), section 3.1. A work group is up to 32 queries of one head. Keys and values
// pass by in blocks of 64: scores of the block, their maximum, the sums so far scaled to the new maximum, weights,
// weights times values. No score leaves the scratch memory, which holds for the group, in this order:
//   keys    [E, 64]   the block's keys, transposed, zeros beyond the last key
//   values  [64, F']  its values, F' = F rounded up to 16
//   scores  [32, 64]  then weights
//   sums    [32, F']  of weights times values
//   largest [32, 16]  of the scores so far, and below it the sum of weights [32, 16]; each in every lane
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "SingleOp.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {
namespace {

constexpr int64_t queryBlock = 32, keyBlock = 64;
constexpr double infinity = std::numeric_limits<double>::infinity();

class AttentionEmitter {
public:
  AttentionEmitter(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target)
      : op(cast<AttentionOp>(region.op)), k(k), b(k.builder()), target(target) {
    auto q = getDims(op.getQ().getType()), key = getDims(op.getK().getType());
    depth = *q[3].getConstant();
    width = op.getV().getType().getDimSize(3);
    padded = llvm::alignTo(width, vectorWidth);
    heads = *q[1].getConstant();
    keyHeads = *key[1].getConstant();
    queries = k.param(q[2]);
    keys = k.param(key[2]);
    queryBlocks = ceilDiv(q[2], queryBlock);
    k.setGrid(q[0] * heads * queryBlocks);
    qBuffer = region.buffer(k, op.getQ());
    kBuffer = region.buffer(k, op.getK());
    vBuffer = region.buffer(k, op.getV());
    mask = region.buffer(k, op.getMask());
    y = region.resultBuffer(k);
    valuesAt = depth * keyBlock;
    scoresAt = valuesAt + keyBlock * padded;
    sumsAt = scoresAt + queryBlock * keyBlock;
    largestAt = sumsAt + queryBlock * padded;
    totalAt = largestAt + queryBlock * vectorWidth;
    int64_t elements = totalAt + queryBlock * vectorWidth;
    scratch = k.scratch(DimAttr::constant(op.getContext(), elements * 4), b.getF32Type());
    if (auto fixed = q[2].getConstant(); fixed && *fixed <= queryBlock)
      extent.length = *fixed;
  }

  void run() {
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      Value perHead = k.param(queryBlocks), lane = divide(k, group, perHead);
      batch = divide(k, lane, k.constant(heads));
      head = remainder(k, lane, k.constant(heads));
      Value keyHead = divide(k, head, k.constant(heads / keyHeads));
      keyLine = k.mul(k.add(mulConstant(k, batch, keyHeads), keyHead), keys);
      queryLine = k.mul(lane, queries);
      first = mulConstant(k, remainder(k, group, perHead), queryBlock);
      count = minimum(k, k.constant(queryBlock), sub(k, queries, first));
      zeroElements(k, scratch, k.constant(sumsAt), mulConstant(k, count, padded));
      forLoop(k, k.constant(0), count, 1, [&](Value row) {
        storeVector(k, splat(-infinity), scratch, laneAt(largestAt, row));
        storeVector(k, splat(0), scratch, laneAt(totalAt, row));
      });
      forLoop(k, k.constant(0), lastKey(), keyBlock, [&](Value key) { emitKeyBlock(key); });
      forLoop(k, k.constant(0), count, 1, [&](Value row) { finishRow(row); });
    });
  }

private:
  Value splat(double value) {
    auto type = getVectorType(k);
    APFloat number(static_cast<float>(value));
    return arith::ConstantOp::create(b, k.loc(), DenseElementsAttr::get(type, number));
  }
  Value addF(Value x, Value y) { return arith::AddFOp::create(b, k.loc(), x, y); }
  Value mulF(Value x, Value y) { return arith::MulFOp::create(b, k.loc(), x, y); }
  Value exp(Value x) { return math::ExpOp::create(b, k.loc(), x); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, k.loc(), condition, x, y); }
  Value laneAt(int64_t base, Value row) { return addConstant(k, mulConstant(k, row, vectorWidth), base); }
  /// `fold` over the lanes of `vector`, in every lane.
  Value foldLanes(Value vector, vector::CombiningKind kind) {
    Value scalar = vector::ReductionOp::create(b, k.loc(), kind, vector);
    return vector::BroadcastOp::create(b, k.loc(), getVectorType(k), scalar);
  }

  /// Keys from here on are visible to no query of the group.
  Value lastKey() {
    if (!op.getCausalOffset())
      return keys;
    Value visible = k.add(k.add(first, count), k.param(*op.getCausalOffset()));
    return minimum(k, keys, maximum(k, visible, k.constant(0)));
  }

  void emitKeyBlock(Value key) {
    Value valid = minimum(k, k.constant(keyBlock), sub(k, keys, key));
    zeroElements(k, scratch, k.constant(0), k.constant(scoresAt));
    packKeys(key, valid);
    forLoop(k, k.constant(0), valid, 1, [&](Value row) {
      Value from = mulConstant(k, k.add(k.add(keyLine, key), row), width);
      copyElements(k, vBuffer, from, scratch, addConstant(k, mulConstant(k, row, padded), valuesAt), k.constant(width));
    });
    forProduct(keyBlock, [&](Value row, int64_t rows, Value column, int64_t vectors) {
      storeScores(emitTile(qBuffer, k.add(queryLine, k.add(first, row)), depth, k.constant(0), keyBlock, rows, column,
                           vectors, k.constant(depth)),
                  key, row, rows, column, vectors);
    });
    forLoop(k, k.constant(0), count, 1, [&](Value row) { weighRow(row); });
    forProduct(padded, [&](Value row, int64_t rows, Value column, int64_t vectors) {
      Value base = divide(k, k.constant(scoresAt), k.constant(keyBlock));
      auto sums = emitTile(scratch, k.add(base, row), keyBlock, k.constant(valuesAt), padded, rows, column, vectors,
                           k.constant(keyBlock));
      addSums(sums, row, rows, column, vectors);
    });
  }

  /// Transposed: element (e, j) is key `key` + j's e.
  void packKeys(Value key, Value valid) {
    forLoop(k, k.constant(0), valid, 1, [&](Value j) {
      Value from = mulConstant(k, k.add(k.add(keyLine, key), j), depth);
      forLoop(k, k.constant(0), k.constant(depth), 1, [&](Value e) {
        Value element = memref::LoadOp::create(b, k.loc(), kBuffer, k.add(from, e));
        memref::StoreOp::create(b, k.loc(), element, scratch, k.add(mulConstant(k, e, keyBlock), j));
      });
    });
  }

  /// Calls `body` for every tile of a product of the group's rows with `columns` columns.
  void forProduct(int64_t columns, function_ref<void(Value, int64_t, Value, int64_t)> body) {
    const int64_t strip = target.tileVectors * vectorWidth, whole = columns / strip * strip;
    auto rowsOf = [&](Value column, int64_t vectors) {
      forTiles(k, k.constant(0), count, extent, target.tileRows,
               [&](Value row, int64_t rows) { body(row, rows, column, vectors); });
    };
    forLoop(k, k.constant(0), k.constant(whole), strip, [&](Value column) { rowsOf(column, target.tileVectors); });
    if (whole < columns)
      rowsOf(k.constant(whole), (columns - whole) / vectorWidth);
  }

  /// Lines `line`.. of x, `xWidth` elements each, times columns of a matrix in scratch memory.
  SmallVector<Value> emitTile(Value x, Value line, int64_t xWidth, Value matrix, int64_t matrixWidth, int64_t rows,
                              Value column, int64_t vectors, Value steps) {
    RegisterTile tile;
    tile.x = x;
    tile.xBase = mulConstant(k, line, xWidth);
    for (int64_t i = 0; i < rows; ++i)
      tile.rowOffsets.push_back(k.constant(i * xWidth));
    tile.w = scratch;
    tile.wBase = k.add(matrix, column);
    tile.vectors = vectors;
    tile.loops.push_back({k.constant(0), steps, k.constant(1), matrixWidth});
    return tile.emit(k);
  }

  /// Scores of keys key + column .. + 15 for one query.
  Value score(Value product, Value query, Value key) {
    Value score = mulF(product, splat(op.getScale().convertToDouble()));
    if (double cap = op.getSoftcap().convertToDouble(); cap != 0)
      score = mulF(math::TanhOp::create(b, k.loc(), mulF(score, splat(1 / cap))), splat(cap));
    Value valid = maximum(k, k.constant(0), minimum(k, sub(k, keys, key), k.constant(vectorWidth)));
    if (op.getMask())
      score = applyMask(score, query, key, valid);
    if (op.getCausalOffset()) {
      Value visible = sub(k, k.add(k.add(query, k.param(*op.getCausalOffset())), k.constant(1)), key);
      valid = maximum(k, k.constant(0), minimum(k, valid, visible));
    }
    auto type = VectorType::get({vectorWidth}, b.getI1Type());
    return select(vector::CreateMaskOp::create(b, k.loc(), type, valid), score, splat(-infinity));
  }

  /// The mask's dimensions are those of the scores, from the right; of extent 1 (perhaps at run time) they repeat.
  Value applyMask(Value score, Value query, Value key, Value valid) {
    auto dims = getDims(cast<RankedTensorType>(op.getMask().getType()));
    Value coords[] = {batch, head, query, key}, at = k.constant(0), stride = k.constant(1), isRepeated;
    for (auto [i, dim] : llvm::enumerate(llvm::reverse(dims))) {
      Value extent = k.param(dim), coord = coords[3 - i];
      if (!dim.isConstant(1)) {
        Value repeats = b.createOrFold<arith::CmpIOp>(k.loc(), arith::CmpIPredicate::eq, extent, k.constant(1));
        at = k.add(at, b.createOrFold<arith::SelectOp>(k.loc(), repeats, k.constant(0), k.mul(coord, stride)));
        isRepeated = i == 0 ? repeats : isRepeated;
      }
      stride = k.mul(stride, extent);
    }
    Value values = dims.empty() || dims.back().isConstant(1) ? repeatMask(at) : loadMask(at, isRepeated, valid);
    if (cast<VectorType>(values.getType()).getElementType().isF32())
      return addF(score, values);
    Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(values.getType()));
    return select(arith::CmpIOp::create(b, k.loc(), arith::CmpIPredicate::ne, values, zero), score, splat(-infinity));
  }

  VectorType maskType() { return VectorType::get({vectorWidth}, cast<MemRefType>(mask.getType()).getElementType()); }
  Value repeatMask(Value at) {
    return vector::BroadcastOp::create(b, k.loc(), maskType(), memref::LoadOp::create(b, k.loc(), mask, at));
  }
  Value loadMask(Value at, Value isRepeated, Value valid) {
    VectorType type = maskType();
    Value lanes = b.createOrFold<arith::SelectOp>(k.loc(), isRepeated, k.constant(1), valid);
    Value loads = vector::CreateMaskOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI1Type()), lanes);
    Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
    Value values = vector::MaskedLoadOp::create(b, k.loc(), type, mask, at, loads, zero);
    if (getConstant(isRepeated) == 0)
      return values;
    Value head = vector::ExtractOp::create(b, k.loc(), values, 0);
    return select(isRepeated, vector::BroadcastOp::create(b, k.loc(), type, head), values);
  }

  void storeScores(ArrayRef<Value> products, Value key, Value row, int64_t rows, Value column, int64_t vectors) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t v = 0; v < vectors; ++v) {
        Value own = addConstant(k, row, i), at = addConstant(k, column, v * vectorWidth);
        Value scores = score(products[i * vectors + v], k.add(first, own), k.add(key, at));
        storeVector(k, scores, scratch, addConstant(k, k.add(mulConstant(k, own, keyBlock), at), scoresAt));
      }
  }

  /// Scores to weights e^(score - largest); what was summed before is scaled to the new largest score.
  void weighRow(Value row) {
    Value base = addConstant(k, mulConstant(k, row, keyBlock), scoresAt);
    SmallVector<Value> scores;
    Value before = loadVector(k, scratch, laneAt(largestAt, row)), largest;
    for (int64_t v = 0; v < keyBlock; v += vectorWidth) {
      scores.push_back(loadVector(k, scratch, addConstant(k, base, v)));
      largest = largest ? Value(arith::MaximumFOp::create(b, k.loc(), largest, scores.back())) : scores.back();
    }
    largest = arith::MaximumFOp::create(b, k.loc(), before, foldLanes(largest, vector::CombiningKind::MAXIMUMF));
    // As long as every score is minus infinity, so is their largest: subtract 0 instead.
    Value isNone = arith::CmpFOp::create(b, k.loc(), arith::CmpFPredicate::OEQ, largest, splat(-infinity));
    Value shift = select(isNone, splat(0), largest);
    Value sum;
    for (auto [v, score] : llvm::enumerate(scores)) {
      Value weight = exp(arith::SubFOp::create(b, k.loc(), score, shift));
      storeVector(k, weight, scratch, addConstant(k, base, v * vectorWidth));
      sum = sum ? addF(sum, weight) : weight;
    }
    Value scale = exp(arith::SubFOp::create(b, k.loc(), before, shift));
    Value total = loadVector(k, scratch, laneAt(totalAt, row));
    total = addF(mulF(total, scale), foldLanes(sum, vector::CombiningKind::ADD));
    storeVector(k, largest, scratch, laneAt(largestAt, row));
    storeVector(k, total, scratch, laneAt(totalAt, row));
    Value sums = addConstant(k, mulConstant(k, row, padded), sumsAt);
    forLoop(k, k.constant(0), k.constant(padded), vectorWidth, [&](Value column) {
      Value at = k.add(sums, column);
      storeVector(k, mulF(loadVector(k, scratch, at), scale), scratch, at);
    });
  }

  void addSums(ArrayRef<Value> products, Value row, int64_t rows, Value column, int64_t vectors) {
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t v = 0; v < vectors; ++v) {
        Value line = addConstant(k, mulConstant(k, addConstant(k, row, i), padded), sumsAt + v * vectorWidth);
        Value at = k.add(line, column);
        storeVector(k, addF(loadVector(k, scratch, at), products[i * vectors + v]), scratch, at);
      }
  }

  /// y = sums / total, 0 where nothing was visible.
  void finishRow(Value row) {
    Value total = loadVector(k, scratch, laneAt(totalAt, row));
    Value isEmpty = arith::CmpFOp::create(b, k.loc(), arith::CmpFPredicate::OEQ, total, splat(0));
    Value inverse = arith::DivFOp::create(b, k.loc(), splat(1), select(isEmpty, splat(1), total));
    Value from = addConstant(k, mulConstant(k, row, padded), sumsAt);
    Value to = mulConstant(k, k.add(k.add(queryLine, first), row), width);
    auto emit = [&](Value column, Value lanes) {
      storeVector(k, mulF(loadVector(k, scratch, k.add(from, column)), inverse), y, k.add(to, column), lanes);
    };
    const int64_t whole = width / vectorWidth * vectorWidth;
    forLoop(k, k.constant(0), k.constant(whole), vectorWidth, [&](Value column) { emit(column, {}); });
    if (whole < width)
      emit(k.constant(whole), k.constant(width - whole));
  }

  AttentionOp op;
  KernelBuilder &k;
  OpBuilder &b;
  const CpuTarget &target;
  int64_t depth, width, padded, heads, keyHeads;
  int64_t valuesAt, scoresAt, sumsAt, largestAt, totalAt; ///< offsets in scratch memory
  DimAttr queryBlocks;
  Extent extent;
  Value queries, keys, qBuffer, kBuffer, vBuffer, mask, y, scratch;
  // Of the group: its batch and head, the first line of its keys and of its head's queries, its queries.
  Value batch, head, keyLine, queryLine, first, count;
};

} // namespace

void emitAttention(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target) {
  AttentionEmitter(region, k, target).run();
}

} // namespace tenon::codegen
