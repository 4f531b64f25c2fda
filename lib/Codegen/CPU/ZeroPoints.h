//===- ZeroPoints.h - From sums of bytes to sums of differences -----------===//
//
//   sum (x - xz) (w - wz)  =  sum x w  -  xz sum w  -  wz (sum x - K xz)
//
// The first sum is what register tiles compute; sum w is stored behind each panel of weights and starts the
// accumulators; sum x is computed where wz is not 0. All of it wraps modulo 2^32, so the order does not matter.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_ZEROPOINTS_H
#define TENON_LIB_CODEGEN_CPU_ZEROPOINTS_H

#include "HeavyRegion.h"

namespace tenon::codegen {

/// The operands of graph.integer_matmul or graph.integer_conv.
struct IntegerOperands {
  mlir::Value x, w, xZero, wZero; ///< zero points may be null

  /// Of another op: none.
  static std::optional<IntegerOperands> get(mlir::Operation *op);
  static bool isSigned(mlir::Value operand);
};

/// The zero points of a region in its kernel.
class ZeroPoints {
public:
  /// `packed`: weights are in a format of IntegerPacking.h, and wz counts from what is stored.
  ZeroPoints(const HeavyRegion &region, KernelBuilder &k, bool packed);

  bool isXSigned() const { return xSigned; }
  bool hasXZero() const { return operands.xZero != nullptr; }
  /// xz as i32, and as the byte that stands for 0 in x.
  mlir::Value xZero();
  mlir::Value xZeroByte();
  /// wz of 16 columns from `column` on (of the first `lanes`; null = all) as vector<16xi32>; of one column as i32.
  mlir::Value wZeros(mlir::Value column, mlir::Value lanes);
  mlir::Value wZero(mlir::Value column);

  /// Where the accumulators of 16 columns start, whose sums of weights are at `sumsIndex` of the packed weights;
  /// `depth` = K.
  mlir::Value start(mlir::Value packed, mlir::Value sumsIndex, int64_t depth, mlir::Value column, mlir::Value lanes);
  bool needsRowSums() const { return packed && (operands.wZero || shift() != 0); }
  /// The accumulators of a row whose sum of x is `rowSum`, at their end.
  mlir::Value finish(mlir::Value sums, mlir::Value rowSum, mlir::Value column, mlir::Value lanes);

  /// A byte, or a vector of bytes, of x (or w) as i32.
  mlir::Value widenX(mlir::Value bytes) { return widen(bytes, xSigned); }
  mlir::Value widenW(mlir::Value bytes) { return widen(bytes, wSigned); }

private:
  mlir::Value widen(mlir::Value bytes, bool isSigned);
  mlir::Value load(mlir::Value operand, mlir::Value index);
  mlir::Value constant(int64_t value);
  mlir::Value spread(mlir::Value scalar);
  /// What has to be added to wz: weights may be stored with their highest bit flipped.
  int64_t shift() const;

  const HeavyRegion &region;
  KernelBuilder &k;
  IntegerOperands operands;
  bool packed, xSigned, wSigned;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_ZEROPOINTS_H
