//===- DoubleMath.h - Functions of f64 as plain vector code ---------------===//
#ifndef TENON_LIB_CODEGEN_CPU_DOUBLEMATH_H
#define TENON_LIB_CODEGEN_CPU_DOUBLEMATH_H

#include "mlir/IR/PatternMatch.h"

namespace tenon::codegen {

/// Adds patterns that replace math.exp and math.log of f64 (scalars or vectors) by polynomials within 2 units in the
/// last place.
void populateDoubleMathPatterns(mlir::RewritePatternSet &patterns);

/// Adds those of sin, cos, erf, tanh, atan, asin, acos, expm1 and log1p, which populateDoubleMathPatterns includes:
/// within 4 units in the last place; of sines and cosines for arguments below 2^30.
void populateDoubleFunctionPatterns(mlir::RewritePatternSet &patterns);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_DOUBLEMATH_H
