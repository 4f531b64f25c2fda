//===- RegisterTile.cpp - The inner loop of the heavy kernels -------------===//
//
// An outer product at each step of the reduction: `vectors` loads of packed weights, `rows` scalars broadcast, and
// rows * vectors fused multiply-adds into registers. 28 accumulators of the 32 registers of AVX-512, 12 of the 16 of
// AVX2. The reduction loops carry the accumulators, so that no iteration touches memory but to read.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"
#include "IntegerDot.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Products that one accumulator adds up before it is added to the total: the rounding error of a sum of K products
/// grows with the length of these blocks and with their number, not with K. A block costs a store, a load and an
/// addition for each accumulator: 1 % of its multiplications.
constexpr int64_t blockLength = 256;
constexpr int64_t shortestBlock = 96;

/// `count` bytes (1 to 4) at `index` as an i32, the others 0: never a byte more, as the buffer may end there.
Value loadBytes(KernelBuilder &k, Value buffer, Value index, int64_t count) {
  OpBuilder &b = k.builder();
  Location loc = k.loc();
  if (count == 4) {
    Value bytes = vector::LoadOp::create(b, loc, getVectorType(buffer, 4), buffer, index);
    Value word = vector::BitCastOp::create(b, loc, VectorType::get({1}, b.getI32Type()), bytes);
    return vector::ExtractOp::create(b, loc, word, 0);
  }
  Value word;
  for (int64_t i = 0; i < count; ++i) {
    Value byte = memref::LoadOp::create(b, loc, buffer, addConstant(k, index, i));
    byte = arith::ExtUIOp::create(b, loc, b.getI32Type(), byte);
    Value shift = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(8 * i));
    byte = b.createOrFold<arith::ShLIOp>(loc, byte, shift);
    word = i ? Value(arith::OrIOp::create(b, loc, word, byte)) : byte;
  }
  return word;
}

Value broadcastBytes(KernelBuilder &k, Value four) {
  OpBuilder &b = k.builder();
  return vector::BroadcastOp::create(b, k.loc(), VectorType::get({vectorWidth}, b.getI32Type()), four);
}

struct Emitter {
  const RegisterTile &tile;
  KernelBuilder &k;

  size_t rows() const { return tile.rowOffsets.size(); }
  /// Elements of weights in one register, and of one step.
  int64_t lanes() const { return tile.bytes ? 4 * vectorWidth : vectorWidth; }
  int64_t line() const { return tile.bytes ? 4 * weightPanel : weightPanel; }

  /// Flat indices: of x, of the packed row of weights, and of the weights to prefetch for later (null = none).
  struct Cursor {
    Value x, w, next;
  };

  void prefetch(Value index, unsigned locality) {
    memref::PrefetchOp::create(k.builder(), k.loc(), tile.w, index, /*isWrite=*/false, locality, /*isDataCache=*/true);
  }

  /// The cursor in iteration i of a loop.
  Cursor advance(const Cursor &c, const ReductionLoop &loop, Value i) {
    Cursor at{k.add(c.x, k.mul(i, loop.xStride)), k.add(c.w, mulConstant(k, i, loop.wStride)), {}};
    if (c.next)
      at.next = k.add(c.next, mulConstant(k, i, loop.wStride / line() * tile.nextStride));
    return at;
  }

  /// The weights of one step, and the prefetches that come with them.
  SmallVector<Value> loadWeights(const Cursor &at) {
    SmallVector<Value> weights;
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value index = addConstant(k, at.w, v * lanes());
      if (tile.prefetchRows)
        prefetch(addConstant(k, index, tile.prefetchRows * line()), 3);
      weights.push_back(vector::LoadOp::create(k.builder(), k.loc(), getVectorType(tile.w, lanes()), tile.w, index));
    }
    for (int64_t next = 0; at.next && next < tile.nextStride; next += lanes())
      prefetch(addConstant(k, at.next, next), 2);
    return weights;
  }

  /// One step of the reduction over bytes, of which x has `count` (4, or fewer at its end).
  SmallVector<Value> stepBytes(const Cursor &at, ValueRange sums, int64_t count) {
    const bool isSigned = tile.bytes->isSigned;
    IntegerDot dot(k, *tile.bytes->target);
    SmallVector<IntegerDot::Bytes, 2> weights;
    SmallVector<Value> next;
    for (Value vector : loadWeights(at))
      weights.push_back(dot.prepare(vector, !isSigned));
    for (size_t row = 0; row < rows(); ++row) {
      Value four = loadBytes(k, tile.x, k.add(at.x, tile.rowOffsets[row]), count);
      IntegerDot::Bytes all = dot.prepare(broadcastBytes(k, four), isSigned);
      for (int64_t v = 0; v < tile.vectors; ++v) {
        Value sum = sums[row * tile.vectors + v];
        next.push_back(isSigned ? dot.accumulate(sum, weights[v], all) : dot.accumulate(sum, all, weights[v]));
      }
    }
    return next;
  }

  /// All steps over a stretch of bytes.
  SmallVector<Value> reduceBytes(const ReductionLoop &loop, const Cursor &at, ValueRange sums) {
    SmallVector<Value> totals = forLoop(k, loop.lower, loop.upper, 1, sums, [&](Value i, ValueRange carried) {
      return stepBytes(advance(at, loop, i), carried, 4);
    });
    if (tile.bytes->tail)
      totals = stepBytes(advance(at, loop, loop.upper), totals, tile.bytes->tail);
    return totals;
  }

  /// One step of the reduction.
  SmallVector<Value> step(const Cursor &at, ValueRange sums) {
    OpBuilder &b = k.builder();
    VectorType type = getVectorType(k);
    SmallVector<Value> weights = tile.decode ? tile.decode(at.w) : loadWeights(at), next;
    for (size_t row = 0; row < rows(); ++row) {
      Value scalar = memref::LoadOp::create(b, k.loc(), tile.x, k.add(at.x, tile.rowOffsets[row]));
      Value all = vector::BroadcastOp::create(b, k.loc(), type, scalar);
      for (int64_t v = 0; v < tile.vectors; ++v)
        next.push_back(vector::FMAOp::create(b, k.loc(), all, weights[v], sums[row * tile.vectors + v]));
    }
    return next;
  }

  /// In order, one accumulator for each result: whatever the tile, so that a row's sum does not depend on how many
  /// other rows there are. A tile of one or two rows waits for its additions, but for its weights longer.
  SmallVector<Value> innermost(const ReductionLoop &loop, const Cursor &at, ValueRange sums) {
    return forLoop(k, loop.lower, loop.upper, 1, sums, [&](Value i, ValueRange carried) {
      Cursor next = advance(at, loop, i);
      if (tile.startRows)
        tile.startRows(next.w);
      return step(next, carried);
    });
  }

  /// The same, of whole runs of rows that share what decodes them.
  SmallVector<Value> inRuns(const ReductionLoop &loop, const Cursor &at, ValueRange sums) {
    return forLoop(k, loop.lower, loop.upper, tile.sharedRows, sums, [&](Value first, ValueRange carried) {
      tile.startRows(advance(at, loop, first).w);
      return forLoop(k, first, addConstant(k, first, tile.sharedRows), 1, carried,
                     [&](Value i, ValueRange sums) { return step(advance(at, loop, i), sums); });
    });
  }

  /// True if rows [lower, lower + length), and any multiple of `block` of them, are whole runs.
  bool areRuns(const ReductionLoop &loop, int64_t block) {
    auto lower = getConstant(loop.lower), length = lengthOf(loop);
    auto isMultiple = [&](int64_t n) { return n % tile.sharedRows == 0; };
    return tile.startRows && tile.sharedRows > 1 && lower && length && isMultiple(*lower) && isMultiple(*length) &&
           isMultiple(block);
  }

  /// Iterations of a loop, if known.
  static std::optional<int64_t> lengthOf(const ReductionLoop &loop) {
    auto lower = getConstant(loop.lower), upper = getConstant(loop.upper);
    return lower && upper ? std::optional(*upper - *lower) : std::nullopt;
  }

  /// sums + block(0)
  SmallVector<Value> addBlock(ValueRange sums, function_ref<SmallVector<Value>(ValueRange)> block) {
    OpBuilder &b = k.builder();
    Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(getVectorType(k)));
    SmallVector<Value> totals = block(SmallVector<Value>(sums.size(), zero));
    for (auto [total, sum] : llvm::zip_equal(totals, sums))
      total = arith::AddFOp::create(b, k.loc(), total, sum);
    return totals;
  }

  /// The innermost loop in blocks of equal length.
  SmallVector<Value> blockedLoop(const ReductionLoop &loop, const Cursor &at, ValueRange sums) {
    if (tile.bytes)
      return reduceBytes(loop, at, sums);
    auto known = lengthOf(loop);
    const bool isOne = known && *known < blockLength + shortestBlock;
    const int64_t blocks = known ? std::max<int64_t>(1, llvm::divideCeil(*known, blockLength)) : 1;
    const int64_t length = known ? llvm::divideCeil(*known, blocks) : blockLength;
    const bool isInRuns = areRuns(loop, isOne ? 0 : length);
    auto run = [&](const ReductionLoop &part, ValueRange carried) {
      return isInRuns ? inRuns(part, at, carried) : innermost(part, at, carried);
    };
    if (isOne)
      return run(loop, sums);
    return forLoop(k, loop.lower, loop.upper, length, sums, [&](Value start, ValueRange carried) {
      Value end = minimum(k, addConstant(k, start, length), loop.upper);
      return addBlock(carried, [&](ValueRange zero) { return run({start, end, loop.xStride, loop.wStride}, zero); });
    });
  }

  SmallVector<Value> reduce(ArrayRef<ReductionLoop> loops, const Cursor &at, ValueRange sums) {
    const ReductionLoop &loop = loops.front();
    if (loops.size() == 1)
      return blockedLoop(loop, at, sums);
    auto inner = lengthOf(loops.back());
    const bool isBlock =
        !tile.bytes && loops.size() == 2 && inner && *inner >= shortestBlock && *inner < blockLength + shortestBlock;
    return forLoop(k, loop.lower, loop.upper, 1, sums, [&](Value i, ValueRange carried) {
      Cursor next = advance(at, loop, i);
      if (!isBlock)
        return reduce(loops.drop_front(), next, carried);
      return addBlock(carried, [&](ValueRange zero) { return reduce(loops.drop_front(), next, zero); });
    });
  }
};

} // namespace

SmallVector<Value> RegisterTile::emit(KernelBuilder &k) const {
  OpBuilder &b = k.builder();
  SmallVector<Value> sums;
  VectorType type = bytes ? VectorType::get({vectorWidth}, b.getI32Type()) : getVectorType(k);
  Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(type));
  for (size_t row = 0; row < rowOffsets.size(); ++row)
    for (int64_t v = 0; v < vectors; ++v)
      sums.push_back(init.empty() ? zero : init[v]);
  Emitter emitter{*this, k};
  return emitter.reduce(loops, {xBase, wBase, nextBase}, sums);
}

void RegisterTile::prefetchNextPanel(KernelBuilder &k, Value panelBase, const PanelLayout &layout, Value index,
                                     int64_t tiles) {
  nextStride = llvm::divideCeil(layout.line, tiles);
  nextBase = k.add(addConstant(k, panelBase, layout.elements()), mulConstant(k, index, layout.steps * nextStride));
}

} // namespace tenon::codegen
