//===- Quantizing.h - Division by the scale of a quantization -------------===//
//
// A division costs a processor as much as ten multiplications, and a quantized network divides every value by a
// constant before it rounds. x / c = fma(fma(-q, c, x), r, q) with r = 1 / c rounded and q = x r rounded: correctly
// rounded where nothing overflows or underflows (P. Markstein, IBM J. Res. Dev. 34 (1990) 111; N. Brisebarre, J.-M.
// Muller and S. K. Raina, IEEE Trans. Comput. 53 (2004) 1069). What is too large for that saturates behind the
// rounding, what is too small becomes 0: so only where both follow.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_COMMON_QUANTIZING_H
#define TENON_LIB_CODEGEN_COMMON_QUANTIZING_H

#include "Graph/IR/GraphOps.h"

namespace tenon::codegen {

/// The constant that `op` divides by, if it is a division of f32 whose result is rounded, limited on both sides and
/// made an integer of at most 16 bits, and nothing else.
std::optional<float> getQuantizingDivisor(mlir::Operation *op);

/// Lets `result`, which was built for `op`, take either 0 for the other where integers come of it: a maximum of IEEE
/// 754 tells them apart, in three instructions instead of one.
void ignoreSignOfZero(mlir::Operation *op, mlir::Value result);

/// x / divisor, exact behind a rounding to integers of at most 16 bits. `x`: a vector of f32.
mlir::Value emitQuantizingDivision(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, float divisor);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_COMMON_QUANTIZING_H
