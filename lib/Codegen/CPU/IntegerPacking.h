//===- IntegerPacking.h - Weights of products of bytes --------------------===//
//
// A panel of 32 columns: [S, 32, 4] bytes, then the 32 sums of its columns as i32. Step s holds four neighbouring rows
// of the reduction for each column, as vpdpbusd takes them. The reduction is cut into runs, the stretches that are
// contiguous in x, and each run is padded with zeros to a multiple of four rows.
//
// Of x unsigned, weights are stored as signed bytes; of x signed (formats ending in "u") as unsigned ones, which are
// the same bits with the highest one flipped, where the weights are not of that kind already. The sums are those of
// what is stored.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_INTEGERPACKING_H
#define TENON_LIB_CODEGEN_CPU_INTEGERPACKING_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tenon::codegen {

/// How weights are packed for products of bytes.
struct IntegerPacking {
  int64_t columns, runs, runLength; ///< of the reduction, before padding
  bool isUnsigned;                  ///< what is stored
  bool isFlipped;                   ///< against what is given

  /// Of weights of `type`; nothing where `format` is none of ours.
  static std::optional<IntegerPacking> get(mlir::RankedTensorType type, llvm::StringRef format);

  int64_t stepsOfRun() const { return (runLength + 3) / 4; }
  int64_t panelBytes() const;
  int64_t bytes() const;
  /// Row-major `source` of `type` to `target` of bytes().
  void pack(mlir::RankedTensorType type, llvm::StringRef format, llvm::ArrayRef<char> source,
            llvm::MutableArrayRef<char> target) const;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_INTEGERPACKING_H
