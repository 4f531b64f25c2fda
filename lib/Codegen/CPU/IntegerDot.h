//===- IntegerDot.h - Products of bytes -----------------------------------===//
//
// One instruction where the processor has VNNI (vpdpbusd: u8 x s8, wrapping). Without it bytes are widened to 16 bits
// and multiplied by vpmaddwd, which cannot overflow: the saturating vpmaddubsw is never used, so that every processor
// computes the same numbers.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_INTEGERDOT_H
#define TENON_LIB_CODEGEN_CPU_INTEGERDOT_H

#include "HeavyEmit.h"

namespace tenon::codegen {

/// Emits sums[i] + a[4 i] b[4 i] + .. + a[4 i + 3] b[4 i + 3] for 16 lanes i of i32, a unsigned and b signed bytes.
class IntegerDot {
public:
  /// 64 bytes as the target multiplies them: themselves, or those at even and odd places in 16 bits.
  struct Bytes {
    mlir::Value even, odd;
  };

  IntegerDot(KernelBuilder &k, const CpuTarget &target) : k(k), target(target) {}

  /// Of vector<64xi8> or vector<16xi32>.
  Bytes prepare(mlir::Value vector, bool isSigned);
  /// `sums` is vector<16xi32>; one of `a` and `b` was prepared as signed, the other not.
  mlir::Value accumulate(mlir::Value sums, const Bytes &unsignedBytes, const Bytes &signedBytes);
  /// sums[i] + a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1], a and b vector<32xi16>.
  mlir::Value accumulatePairs(mlir::Value sums, mlir::Value a, mlir::Value b);

private:
  mlir::Value callVnni(llvm::StringRef name, mlir::Value sums, mlir::Value a, mlir::Value b);
  mlir::Value multiply(mlir::Value a, mlir::Value b);
  mlir::Value half(mlir::Value vector, int64_t i);
  mlir::Value join(mlir::Value low, mlir::Value high);
  mlir::Value call(llvm::StringRef intrinsic, mlir::ValueRange operands);

  KernelBuilder &k;
  const CpuTarget &target;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_INTEGERDOT_H
