//===- Decompose.h - Normalisations as elementwise ops and reductions -----===//
#ifndef TENON_CODEGEN_COMMON_DECOMPOSE_H
#define TENON_CODEGEN_COMMON_DECOMPOSE_H

#include "mlir/IR/Block.h"
#include "llvm/ADT/StringRef.h"

namespace tenon::codegen {

/// Unit attribute of a graph.reduce_max whose user does not need it to propagate NaN.
constexpr llvm::StringLiteral dropsNaN = "drops_nan";

/// Replaces softmax, log_softmax, layer_normalization and batch_normalization of floating-point tensors in `block`,
/// which has a terminator, by elementwise ops, reductions and reshapes.
void decomposeNormalizations(mlir::Block &block);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_COMMON_DECOMPOSE_H
