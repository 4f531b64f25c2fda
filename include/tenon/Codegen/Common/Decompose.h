//===- Decompose.h - Normalisations as elementwise ops and reductions -----===//
#ifndef TENON_CODEGEN_COMMON_DECOMPOSE_H
#define TENON_CODEGEN_COMMON_DECOMPOSE_H

#include "mlir/IR/Block.h"
#include "llvm/ADT/StringRef.h"

namespace tenon::codegen {

/// Unit attribute of a graph.reduce_max whose user does not need it to propagate NaN.
constexpr llvm::StringLiteral dropsNaN = "drops_nan";

/// Replaces softmax, the normalisations and rotary_embedding of floating-point tensors in `block`, which has a
/// terminator, by elementwise ops, reductions and data movement.
void decomposeNormalizations(mlir::Block &block);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_DECOMPOSE_H
