//===- HeavyEmit.h - Loops and register tiles of the heavy kernels --------===//
//
// What the matrix product and the convolutions share: structured loops, and the register tile that accumulates
// rows x vectors of the result over a nest of reduction loops.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_HEAVYEMIT_H
#define TENON_LIB_CODEGEN_CPU_HEAVYEMIT_H

#include "tenon/Codegen/CPU/KernelBuilder.h"
#include "llvm/Support/MathExtras.h"
#include <functional>
#include <memory>

namespace tenon::codegen {

// ---- index arithmetic; constants fold ----
mlir::Value sub(KernelBuilder &k, mlir::Value a, mlir::Value b);
mlir::Value divide(KernelBuilder &k, mlir::Value a, mlir::Value b);    ///< of non-negative values
mlir::Value remainder(KernelBuilder &k, mlir::Value a, mlir::Value b); ///< of non-negative values
mlir::Value minimum(KernelBuilder &k, mlir::Value a, mlir::Value b);
mlir::Value maximum(KernelBuilder &k, mlir::Value a, mlir::Value b);
mlir::Value less(KernelBuilder &k, mlir::Value a, mlir::Value b);
mlir::Value addConstant(KernelBuilder &k, mlir::Value a, int64_t b);
mlir::Value mulConstant(KernelBuilder &k, mlir::Value a, int64_t b);
/// The constant value of `a`, if it is one.
std::optional<int64_t> getConstant(mlir::Value a);

// ---- loops: the body is emitted at k.builder() ----
void forLoop(KernelBuilder &k, mlir::Value lower, mlir::Value upper, int64_t step,
             llvm::function_ref<void(mlir::Value)> body);
/// A loop that carries values; the body returns their next ones.
llvm::SmallVector<mlir::Value>
forLoop(KernelBuilder &k, mlir::Value lower, mlir::Value upper, int64_t step, mlir::ValueRange inits,
        llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
void ifThenElse(KernelBuilder &k, mlir::Value condition, llvm::function_ref<void()> then,
                llvm::function_ref<void()> otherwise = nullptr);

/// What is known at compile time of a run of rows: its length, or else the only remainder (beside 0) that its length
/// can have when divided by the rows of a tile.
struct Extent {
  std::optional<int64_t> length;
  std::optional<int64_t> rest;
};

/// Covers [lower, upper) by tiles of at most `rows` rows and calls `body(first row, number of rows)` for each width
/// that can occur: balanced widths where the length is known, else `rows` and what remains.
void forTiles(KernelBuilder &k, mlir::Value lower, mlir::Value upper, Extent extent, int64_t rows,
              llvm::function_ref<void(mlir::Value, int64_t)> body);

// ---- vectors ----
mlir::VectorType getVectorType(KernelBuilder &k);
/// A vector of the elements of `buffer`.
mlir::VectorType getVectorType(mlir::Value buffer, int64_t lanes = vectorWidth);
/// The 16 elements at `index`; of these only the first `lanes` (an index value, null = all), the others are 0.
mlir::Value loadVector(KernelBuilder &k, mlir::Value buffer, mlir::Value index, mlir::Value lanes = {});
void storeVector(KernelBuilder &k, mlir::Value vector, mlir::Value buffer, mlir::Value index, mlir::Value lanes = {});
/// Copies `count` elements; the ranges do not overlap.
void copyElements(KernelBuilder &k, mlir::Value from, mlir::Value fromIndex, mlir::Value to, mlir::Value toIndex,
                  mlir::Value count);
/// Sets `count` elements to `value`, a scalar of their type.
void fillElements(KernelBuilder &k, mlir::Value value, mlir::Value to, mlir::Value toIndex, mlir::Value count);
void zeroElements(KernelBuilder &k, mlir::Value to, mlir::Value toIndex, mlir::Value count);

/// The 16-column vectors of a tile: `column` is the column of the result at the first, lanes[v] the number of valid
/// lanes of vector v (null = all).
struct Strip {
  mlir::Value column;
  llvm::SmallVector<mlir::Value, 2> lanes;
  int64_t offset = 0; ///< of the first vector in its weight panel
};

/// Calls `body` for each strip of weight panel `panel` (index value): strips of `target.tileVectors` vectors. A panel
/// with fewer columns than weightPanel can only be the last of `columns` (a constant).
void forStrips(KernelBuilder &k, const CpuTarget &target, mlir::Value panel, int64_t columns,
               llvm::function_ref<void(const Strip &)> body);

/// A weight panel as tiles walk it, in elements of its buffer.
struct PanelLayout {
  int64_t steps;        ///< of the reduction
  int64_t line;         ///< of one step: a row of 32 columns; of bytes, four rows
  int64_t more;         ///< after the steps: the sums of columns of bytes
  int64_t elementBytes; ///< 4, or 1

  static PanelLayout floats(int64_t depth) { return {depth, weightPanel, 0, 4}; }
  static PanelLayout integers(int64_t steps) { return {steps, 4 * weightPanel, 4 * weightPanel, 1}; }
  int64_t elements() const { return steps * line + more; }
  /// Of all panels.
  int64_t bytes(int64_t columns) const { return llvm::divideCeil(columns, weightPanel) * elements() * elementBytes; }
  /// Elements from column 0 of a step to column `column`.
  int64_t offsetOf(int64_t column) const { return column * (line / weightPanel); }
};

/// What a register tile of bytes has to know (IntegerPacking.h has the weights' order).
struct ByteTile {
  const CpuTarget *target = nullptr;
  bool isSigned = false; ///< x; weights are stored as the opposite
  int64_t tail = 0;      ///< bytes of x left after the innermost loop, 0 to 3
};

/// One loop of a reduction: i in [lower, upper) reads x at + i * xStride and a packed row of weights at + i * wStride.
struct ReductionLoop {
  mlir::Value lower, upper, xStride;
  int64_t wStride;
};

/// Accumulates a tile. Row r at reduction index (i, j, ..) multiplies the scalar x[xBase + rowOffsets[r] + i * xStride
/// +
/// ..] with the packed row w[wBase + i * wStride + ..]. Returns the accumulators, row by row, vector by vector.
struct RegisterTile {
  mlir::Value x, xBase;
  llvm::SmallVector<mlir::Value> rowOffsets;
  mlir::Value w, wBase;
  int64_t vectors = 1;
  llvm::SmallVector<ReductionLoop> loops; ///< outermost first
  llvm::SmallVector<mlir::Value> init;    ///< a start vector for each vector of a row; empty = 0
  int64_t prefetchRows = 0;               ///< how many packed rows ahead weights are prefetched; 0 = not
  /// Where this tile starts to bring the weights that come next to the second-level cache, and the elements of them it
  /// brings at each step of the reduction; null = not.
  mlir::Value nextBase;
  int64_t nextStride = 0;
  /// Gives the `vectors` vectors of weights at wBase + i * wStride + .. instead of loads from w; null = loads.
  std::function<llvm::SmallVector<mlir::Value>(mlir::Value)> decode;
  /// Called before `decode`, for the first of each `sharedRows` indices from a multiple of it on; null = not needed.
  std::function<void(mlir::Value)> startRows;
  int64_t sharedRows = 1;
  /// Where x and w are bytes: the innermost loop then counts steps of four bytes of x, sums are i32.
  std::optional<ByteTile> bytes;

  /// Lets the `tiles` tiles that use the panel at panelBase share the prefetch of the panel after it; this is tile
  /// number `index`.
  void prefetchNextPanel(KernelBuilder &k, mlir::Value panelBase, const PanelLayout &layout, mlir::Value index,
                         int64_t tiles);

  llvm::SmallVector<mlir::Value> emit(KernelBuilder &k) const;
  /// Of bytes: for each row the sum of all x that the tile reads, as i32.
  llvm::SmallVector<mlir::Value> emitRowSums(KernelBuilder &k) const;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_HEAVYEMIT_H
