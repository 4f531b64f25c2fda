//===- VectorMath.h - Math functions as plain vector code -----------------===//
//
// Kernels call no library, so every function of the math dialect that is not one instruction becomes a polynomial. The
// same code serves scalars and vectors of any length.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_VECTORMATH_H
#define TENON_LIB_CODEGEN_CPU_VECTORMATH_H

#include "mlir/Pass/Pass.h"

namespace tenon::codegen {

/// Expands exp, log, tanh, erf, sin, cos, pow and their like (f32; f16 and bf16 by way of f32), rounding integer
/// divisions and bf16 conversions, inside one function.
std::unique_ptr<mlir::Pass> createExpandMathPass();

/// Keeps bf16 as integers of 16 bits in one function of the LLVM dialect, if it does no arithmetic on them.
std::unique_ptr<mlir::Pass> createBFloatBitsPass();

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_VECTORMATH_H
