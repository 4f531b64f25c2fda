//===- Coord.h - Where the lanes of a vector are --------------------------===//
//
// Kernels work on vectors whose lanes are neighbours along one loop. Every index of an element they read is then the
// same for all lanes, grows by a step from lane to lane, or (after a modulo, a table, a clamp) is any number per lane.
// Coord keeps the simplest of the three, so that a load can be a splat, a vector load or a gather.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_COMMON_COORD_H
#define TENON_CODEGEN_COMMON_COORD_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tenon::codegen {

/// The index of one dimension, or a flat offset, for every lane.
struct Coord {
  mlir::Value base;  ///< index of lane 0; null if `each` is set
  mlir::Value step;  ///< index, added per lane; null if all lanes agree
  mlir::Value each;  ///< vector<Wxindex>, if the lanes have nothing simpler in common
  bool unit = false; ///< `step` is known to be 0 or 1

  bool isUniform() const { return !step && !each; }
  /// True if both are known to denote the same indices.
  bool operator==(const Coord &other) const;
};

/// Index arithmetic that folds constants. All operands of one call have one type: index or vector<Wxindex>.
class IndexMath {
public:
  IndexMath(mlir::OpBuilder &b, mlir::Location loc, int64_t width) : b(b), loc(loc), width(width) {}

  mlir::Value constant(int64_t value) const;
  /// `value` as a constant of the type of `like`.
  mlir::Value constantLike(mlir::Value like, int64_t value) const;
  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value sub(mlir::Value x, mlir::Value y) const;
  mlir::Value mul(mlir::Value x, mlir::Value y) const;
  /// Truncating division and its remainder: for operands that are not negative.
  mlir::Value div(mlir::Value x, mlir::Value y) const;
  mlir::Value rem(mlir::Value x, mlir::Value y) const;
  mlir::Value min(mlir::Value x, mlir::Value y) const;
  mlir::Value max(mlir::Value x, mlir::Value y) const;
  mlir::Value ceilDiv(mlir::Value x, mlir::Value y) const;
  mlir::Value equal(mlir::Value x, mlir::Value y) const;
  mlir::Value less(mlir::Value x, mlir::Value y) const;
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) const;

  Coord uniform(mlir::Value index) const { return {index, {}, {}, false}; }
  /// first, first + 1, ..
  Coord consecutive(mlir::Value first) const {
    return width == 1 ? uniform(first) : Coord{first, constant(1), {}, true};
  }
  Coord add(const Coord &x, const Coord &y) const;
  Coord mul(const Coord &x, mlir::Value factor) const;
  /// The indices as vector<Wxindex>.
  mlir::Value toVector(const Coord &x) const;
  /// `index` as vector<Wxindex>.
  mlir::Value splat(mlir::Value index) const;
  /// fn(x) as a scalar where x is uniform, else on vectors.
  Coord map(const Coord &x, llvm::function_ref<mlir::Value(mlir::Value)> fn) const;
  /// sum of coords[i] * (extents[i + 1] * .. * extents[n - 1]); 0 for rank 0.
  Coord flatten(mlir::ArrayRef<Coord> coords, mlir::ValueRange extents) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t width; ///< lanes
};

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_COORD_H
