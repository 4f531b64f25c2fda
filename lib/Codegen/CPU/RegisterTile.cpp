//===- RegisterTile.cpp - The inner loop of the heavy kernels -------------===//
//
// An outer product at each step of the reduction: `vectors` loads of packed weights, `rows` scalars broadcast, and
// rows * vectors fused multiply-adds into registers. 28 accumulators of the 32 registers of AVX-512, 12 of the 16 of
// AVX2. The reduction loops carry the accumulators, so that no iteration touches memory but to read.
//
//===----------------------------------------------------------------------===//
#include "HeavyEmit.h"

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

struct Emitter {
  const RegisterTile &tile;
  KernelBuilder &k;

  size_t rows() const { return tile.rowOffsets.size(); }

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
      at.next = k.add(c.next, mulConstant(k, i, loop.wStride / weightPanel * tile.nextStride));
    return at;
  }

  /// One step of the reduction.
  SmallVector<Value> step(const Cursor &at, ValueRange sums) {
    OpBuilder &b = k.builder();
    VectorType type = getVectorType(k);
    SmallVector<Value> weights, next;
    if (tile.decode)
      weights = tile.decode(at.w);
    for (int64_t v = 0; v < tile.vectors && !tile.decode; ++v) {
      Value index = addConstant(k, at.w, v * vectorWidth);
      if (tile.prefetchRows)
        prefetch(addConstant(k, index, tile.prefetchRows * weightPanel), 3);
      weights.push_back(loadVector(k, tile.w, index));
    }
    for (int64_t line = 0; at.next && line < tile.nextStride; line += vectorWidth)
      prefetch(addConstant(k, at.next, line), 2);
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
    auto known = lengthOf(loop);
    const bool isOne = known && *known < blockLength + shortestBlock;
    const int64_t length = known ? llvm::divideCeil(*known, llvm::divideCeil(*known, blockLength)) : blockLength;
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
    const bool isBlock = loops.size() == 2 && inner && *inner >= shortestBlock && *inner < blockLength + shortestBlock;
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
  Value zero = arith::ConstantOp::create(b, k.loc(), b.getZeroAttr(getVectorType(k)));
  for (size_t row = 0; row < rowOffsets.size(); ++row)
    for (int64_t v = 0; v < vectors; ++v)
      sums.push_back(init.empty() ? zero : init[v]);
  Emitter emitter{*this, k};
  return emitter.reduce(loops, {xBase, wBase, nextBase}, sums);
}

void RegisterTile::prefetchNextPanel(KernelBuilder &k, Value panelBase, int64_t depth, Value index, int64_t tiles) {
  nextStride = llvm::divideCeil(weightPanel, tiles);
  nextBase = k.add(addConstant(k, panelBase, depth * weightPanel), mulConstant(k, index, depth * nextStride));
}

} // namespace tenon::codegen
