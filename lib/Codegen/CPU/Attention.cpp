//===- Attention.cpp - Attention in one pass over keys and values ---------===//
//
// After FlashAttention-2 (arXiv:2307.08691), section 3.1, transposed: a work group is up to 32 queries of the heads
// that share keys, and these are the lanes. Keys and values pass by in blocks: scores of the block, their maximum,
// weights, weights times values, added to the sums so far, which are scaled to the new maximum. Keys and values are
// read where they are, one number for all lanes; no lane needs another. No score leaves the scratch memory, which holds
// for the group:
//   queries [E, 32]  transposed and scaled, zeros beyond the last query
//   scores  [84, 32] of a block, then weights
//   sums    [F, 32]  of weights times values
//   largest [32]     of the scores so far, and after it the sum of weights [32]
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

/// Keys of a block: a multiple of the rows of every target's tile (14 and 6).
constexpr int64_t keyBlock = 84;
constexpr int64_t queryBlock = 2 * vectorWidth;
constexpr double infinity = std::numeric_limits<double>::infinity();

class AttentionEmitter {
public:
  AttentionEmitter(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target)
      : op(cast<AttentionOp>(region.op)), k(k), b(k.builder()), target(target) {
    auto q = getDims(op.getQ().getType()), key = getDims(op.getK().getType());
    depth = *q[3].getConstant();
    width = op.getV().getType().getDimSize(3);
    keyHeads = *key[1].getConstant();
    shared = *q[1].getConstant() / keyHeads;
    queries = k.param(q[2]);
    keys = k.param(key[2]);
    lines = k.param(q[2] * shared);
    queryBlocks = ceilDiv(q[2] * shared, queryBlock);
    k.setGrid(q[0] * keyHeads * queryBlocks);
    qBuffer = region.buffer(k, op.getQ());
    kBuffer = region.buffer(k, op.getK());
    vBuffer = region.buffer(k, op.getV());
    mask = region.buffer(k, op.getMask());
    y = region.resultBuffer(k);
    scoresAt = depth * queryBlock;
    sumsAt = scoresAt + keyBlock * queryBlock;
    largestAt = sumsAt + width * queryBlock;
    totalAt = largestAt + queryBlock;
    scratch = k.scratch(DimAttr::constant(op.getContext(), (totalAt + queryBlock) * 4), b.getF32Type());
  }

  void run() {
    forLoop(k, k.begin(), k.end(), 1, [&](Value group) {
      Value perHead = k.param(queryBlocks), lane = divide(k, group, perHead);
      batch = divide(k, lane, k.constant(keyHeads));
      head = mulConstant(k, remainder(k, lane, k.constant(keyHeads)), shared);
      keyLine = k.mul(lane, keys);
      first = mulConstant(k, remainder(k, group, perHead), queryBlock);
      queryLine = k.add(k.mul(lane, lines), first);
      count = minimum(k, k.constant(queryBlock), sub(k, lines, first));
      locateLanes();
      start();
      forLoop(k, k.constant(0), lastKey(), keyBlock, [&](Value key) {
        Value valid = minimum(k, k.constant(keyBlock), sub(k, keys, key));
        // Few queries, as when one token is added to many, fill one vector.
        auto isFew = less(k, count, k.constant(vectorWidth + 1));
        ifThenElse(k, isFew, [&] { emitKeyBlock(key, valid, 1); }, [&] { emitKeyBlock(key, valid, 2); });
      });
      finish();
    });
  }

private:
  Value splat(double value) {
    APFloat number(static_cast<float>(value));
    return arith::ConstantOp::create(b, k.loc(), DenseElementsAttr::get(getVectorType(k), number));
  }
  Value addF(Value x, Value y) { return arith::AddFOp::create(b, k.loc(), x, y); }
  Value subF(Value x, Value y) { return arith::SubFOp::create(b, k.loc(), x, y); }
  Value mulF(Value x, Value y) { return arith::MulFOp::create(b, k.loc(), x, y); }
  Value exp(Value x) { return math::ExpOp::create(b, k.loc(), x); }
  Value maxF(Value x, Value y) { return arith::MaximumFOp::create(b, k.loc(), x, y); }
  Value isEqual(Value x, Value y) { return arith::CmpFOp::create(b, k.loc(), arith::CmpFPredicate::OEQ, x, y); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, k.loc(), condition, x, y); }
  Value load(int64_t base, Value row, int64_t column) {
    return loadVector(k, scratch, addConstant(k, mulConstant(k, row, queryBlock), base + column));
  }
  void store(Value vector, int64_t base, Value row, int64_t column) {
    storeVector(k, vector, scratch, addConstant(k, mulConstant(k, row, queryBlock), base + column));
  }

  /// Which head and which query the lanes are.
  void locateLanes() {
    if (!op.getMask() && !op.getCausalOffset())
      return;
    auto type = VectorType::get({vectorWidth}, b.getIndexType());
    for (auto [v, own] : llvm::enumerate(lanes)) {
      Value line = addConstant(k, first, v * vectorWidth);
      Value all = arith::AddIOp::create(b, k.loc(), vector::StepOp::create(b, k.loc(), type), splatIndex(line));
      own = {arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type)), all};
      if (shared == 1)
        continue;
      own.head = arith::DivUIOp::create(b, k.loc(), all, splatIndex(queries));
      Value before = arith::MulIOp::create(b, k.loc(), own.head, splatIndex(queries));
      own.query = arith::SubIOp::create(b, k.loc(), all, before);
    }
  }

  Value splatIndex(Value index) {
    return vector::BroadcastOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getIndexType()), index);
  }

  /// Queries to scratch memory; nothing seen yet.
  void start() {
    zeroElements(k, scratch, k.constant(0), k.constant(depth * queryBlock));
    zeroElements(k, scratch, k.constant(sumsAt), k.constant(width * queryBlock));
    for (int64_t column = 0; column < queryBlock; column += vectorWidth) {
      store(splat(-infinity), largestAt, k.constant(0), column);
      store(splat(0), totalAt, k.constant(0), column);
    }
    Value scale =
        arith::ConstantOp::create(b, k.loc(), b.getF32FloatAttr(static_cast<float>(op.getScale().convertToDouble())));
    forLoop(k, k.constant(0), count, 1, [&](Value query) {
      Value from = mulConstant(k, k.add(queryLine, query), depth);
      forLoop(k, k.constant(0), k.constant(depth), 1, [&](Value e) {
        Value element = memref::LoadOp::create(b, k.loc(), qBuffer, k.add(from, e));
        memref::StoreOp::create(b, k.loc(), mulF(element, scale), scratch, k.add(mulConstant(k, e, queryBlock), query));
      });
    });
  }

  /// Keys from here on are visible to no query of the group.
  Value lastKey() {
    if (!op.getCausalOffset())
      return keys;
    // The last query of the group; of a whole head, if the group reaches into the next one.
    Value end = k.add(first, count), head = divide(k, addConstant(k, end, -1), queries);
    Value isWithin = arith::CmpIOp::create(b, k.loc(), arith::CmpIPredicate::eq, divide(k, first, queries), head);
    Value last = select(isWithin, sub(k, end, k.mul(head, queries)), queries);
    Value visible = k.add(last, k.param(*op.getCausalOffset()));
    return minimum(k, keys, maximum(k, visible, k.constant(0)));
  }

  /// Keys [key, key + valid) for `vectors` vectors of queries.
  void emitKeyBlock(Value key, Value valid, int64_t vectors) {
    const int64_t step = std::min<int64_t>(vectors, target.tileVectors);
    for (int64_t v = 0; v < vectors; v += step)
      forTiles(k, k.constant(0), valid, {}, target.tileRows,
               [&](Value row, int64_t rows) { emitScores(key, row, rows, v * vectorWidth, step); });
    SmallVector<Value> scales;
    for (int64_t v = 0; v < vectors; ++v)
      scales.push_back(weigh(valid, v * vectorWidth));
    for (int64_t v = 0; v < vectors; v += step)
      forTiles(k, k.constant(0), k.constant(width), {width, {}}, target.tileRows, [&](Value row, int64_t rows) {
        addValues(key, valid, row, rows, v * vectorWidth, ArrayRef<Value>(scales).slice(v, step));
      });
  }

  void emitScores(Value key, Value row, int64_t rows, int64_t column, int64_t vectors) {
    RegisterTile tile;
    tile.x = kBuffer;
    tile.xBase = mulConstant(k, k.add(k.add(keyLine, key), row), depth);
    for (int64_t i = 0; i < rows; ++i)
      tile.rowOffsets.push_back(k.constant(i * depth));
    tile.w = scratch;
    tile.wBase = k.constant(column);
    tile.vectors = vectors;
    tile.loops.push_back({k.constant(0), k.constant(depth), k.constant(1), queryBlock});
    SmallVector<Value> products = tile.emit(k);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t v = 0; v < vectors; ++v) {
        Value own = addConstant(k, row, i);
        int64_t at = column + v * vectorWidth;
        store(score(products[i * vectors + v], k.add(key, own), at), scoresAt, own, at);
      }
  }

  /// The score of one key for the 16 queries from `column` of the group on.
  Value score(Value score, Value key, int64_t column) {
    if (double cap = op.getSoftcap().convertToDouble(); cap != 0)
      score = mulF(math::TanhOp::create(b, k.loc(), mulF(score, splat(1 / cap))), splat(cap));
    if (op.getMask())
      score = applyMask(score, key, column);
    if (!op.getCausalOffset())
      return score;
    Value first = splatIndex(sub(k, key, k.param(*op.getCausalOffset()))), query = lanes[column / vectorWidth].query;
    Value isVisible = arith::CmpIOp::create(b, k.loc(), arith::CmpIPredicate::sle, first, query);
    return select(isVisible, score, splat(-infinity));
  }

  Value createLanes(Value lanes) {
    return vector::CreateMaskOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI1Type()), lanes);
  }

  /// The mask's dimensions are those of the scores, from the right; of extent 1 (perhaps at run time) they repeat.
  Value applyMask(Value score, Value key, int64_t column) {
    auto dims = getDims(cast<RankedTensorType>(op.getMask().getType()));
    Value coords[] = {batch, head, {}, key}, at = k.constant(0), stride = k.constant(1);
    Value perQuery = at, perHead = at;
    for (auto [i, dim] : llvm::enumerate(llvm::reverse(dims))) {
      Value extent = k.param(dim);
      Value repeats = b.createOrFold<arith::CmpIOp>(k.loc(), arith::CmpIPredicate::eq, extent, k.constant(1));
      Value own = b.createOrFold<arith::SelectOp>(k.loc(), repeats, k.constant(0), stride);
      at = coords[3 - i] ? k.add(at, k.mul(coords[3 - i], own)) : at;
      perQuery = i == 1 ? own : perQuery;
      perHead = i == 2 && shared > 1 ? own : perHead;
      stride = k.mul(stride, extent);
    }
    Value values = loadMask(at, perQuery, perHead, column);
    if (cast<VectorType>(values.getType()).getElementType().isF32())
      return addF(score, values);
    Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(values.getType()));
    return select(arith::CmpIOp::create(b, k.loc(), arith::CmpIPredicate::ne, values, zero), score, splat(-infinity));
  }

  /// The elements at + query * perQuery + head * perHead of the mask, for the lanes from `column` on.
  Value loadMask(Value at, Value perQuery, Value perHead, int64_t column) {
    auto type = VectorType::get({vectorWidth}, cast<MemRefType>(mask.getType()).getElementType());
    if (getConstant(perQuery) == 0 && getConstant(perHead) == 0)
      return vector::BroadcastOp::create(b, k.loc(), type, memref::LoadOp::create(b, k.loc(), mask, at));
    const Lanes &own = lanes[column / vectorWidth];
    Value offsets =
        arith::AddIOp::create(b, k.loc(), arith::MulIOp::create(b, k.loc(), own.query, splatIndex(perQuery)),
                              arith::MulIOp::create(b, k.loc(), own.head, splatIndex(perHead)));
    Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
    Value valid = maximum(k, k.constant(0), minimum(k, addConstant(k, count, -column), k.constant(vectorWidth)));
    return vector::GatherOp::create(b, k.loc(), type, mask, ValueRange{at}, offsets, createLanes(valid), zero);
  }

  /// Scores to weights e^(score - largest). Returns what the sums before are to be scaled by.
  Value weigh(Value valid, int64_t column) {
    Value zero = k.constant(0), before = load(largestAt, zero, column);
    Value largest = forLoop(k, zero, valid, 1, before, [&](Value row, ValueRange largest) -> SmallVector<Value> {
      return {maxF(largest[0], load(scoresAt, row, column))};
    })[0];
    // As long as every score is minus infinity, so is their largest: subtract 0 instead.
    Value shift = select(isEqual(largest, splat(-infinity)), splat(0), largest);
    Value scale = exp(subF(before, shift));
    Value total = mulF(load(totalAt, zero, column), scale);
    total = forLoop(k, zero, valid, 1, total, [&](Value row, ValueRange total) -> SmallVector<Value> {
      Value weight = exp(subF(load(scoresAt, row, column), shift));
      store(weight, scoresAt, row, column);
      return {addF(total[0], weight)};
    })[0];
    store(largest, largestAt, zero, column);
    store(total, totalAt, zero, column);
    return scale;
  }

  /// Sums [row, row + rows) of the values' elements: scaled, plus the block's weights times values.
  void addValues(Value key, Value valid, Value row, int64_t rows, int64_t column, ArrayRef<Value> scales) {
    RegisterTile tile;
    tile.x = vBuffer;
    tile.xBase = k.add(mulConstant(k, k.add(keyLine, key), width), row);
    for (int64_t i = 0; i < rows; ++i)
      tile.rowOffsets.push_back(k.constant(i));
    tile.w = scratch;
    tile.wBase = k.constant(scoresAt + column);
    tile.vectors = scales.size();
    tile.loops.push_back({k.constant(0), valid, k.constant(width), queryBlock});
    SmallVector<Value> products = tile.emit(k);
    for (int64_t i = 0; i < rows; ++i)
      for (auto [v, scale] : llvm::enumerate(scales)) {
        Value own = addConstant(k, row, i);
        int64_t at = column + v * vectorWidth;
        Value sum = addF(mulF(load(sumsAt, own, at), scale), products[i * scales.size() + v]);
        store(sum, sumsAt, own, at);
      }
  }

  /// What sums of 0 are divided by where no key was visible.
  Value noTotal() {
    if (!op.getNanRows())
      return splat(1);
    Value hasKeys = less(k, k.constant(0), keys);
    return select(hasKeys, splat(std::numeric_limits<double>::quiet_NaN()), splat(1));
  }

  /// y = sums / total, 0 or NaN where nothing was visible.
  void finish() {
    Value none = noTotal();
    for (int64_t column = 0; column < queryBlock; column += vectorWidth) {
      Value total = load(totalAt, k.constant(0), column);
      Value inverse = arith::DivFOp::create(b, k.loc(), splat(1), select(isEqual(total, splat(0)), none, total));
      store(inverse, totalAt, k.constant(0), column);
    }
    forLoop(k, k.constant(0), count, 1, [&](Value query) {
      Value to = mulConstant(k, k.add(queryLine, query), width);
      Value inverse = memref::LoadOp::create(b, k.loc(), scratch, addConstant(k, query, totalAt));
      forLoop(k, k.constant(0), k.constant(width), 1, [&](Value f) {
        Value at = k.add(addConstant(k, mulConstant(k, f, queryBlock), sumsAt), query);
        Value sum = memref::LoadOp::create(b, k.loc(), scratch, at);
        memref::StoreOp::create(b, k.loc(), mulF(sum, inverse), y, k.add(to, f));
      });
    });
  }

  AttentionOp op;
  KernelBuilder &k;
  OpBuilder &b;
  const CpuTarget &target;
  int64_t depth, width, keyHeads;
  int64_t shared;                               ///< heads of q for each of k
  int64_t scoresAt, sumsAt, largestAt, totalAt; ///< offsets in scratch memory
  DimAttr queryBlocks;
  Value queries, keys, lines, qBuffer, kBuffer, vBuffer, mask, y, scratch;
  // Of the group: its batch and the first of the heads that share keys, the first lines of its keys and of its queries,
  // the first query (counted through these heads) and their number.
  Value batch, head, keyLine, queryLine, first, count;
  /// Which of the heads that share keys, and which query of it, each lane of a vector is.
  struct Lanes {
    Value head, query;
  } lanes[queryBlock / vectorWidth];
};

} // namespace

void emitAttention(const SingleOpRegion &region, KernelBuilder &k, const CpuTarget &target) {
  AttentionEmitter(region, k, target).run();
}

} // namespace tenon::codegen
