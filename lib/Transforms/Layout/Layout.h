//===- Layout.h - Patterns of layout assignment ---------------------------===//
#ifndef TENON_LIB_TRANSFORMS_LAYOUT_LAYOUT_H
#define TENON_LIB_TRANSFORMS_LAYOUT_LAYOUT_H

#include "Graph/IR/GraphOps.h"
#include "mlir/IR/PatternMatch.h"

namespace tenon {

/// conv, pool, resize, conv_transpose on [N, C, ...]  ->  transpose (the channels-last form of transposed operands)
void populateChannelsLastPatterns(mlir::RewritePatternSet &patterns);

/// op (transpose x, p)  ->  transpose (op' x), p
void populateSinkTransposePatterns(mlir::RewritePatternSet &patterns);

/// The transposes [0, 2, .., r-1, 1] and [0, r-1, 1, .., r-2].
llvm::SmallVector<int64_t> toChannelsLast(int64_t rank);
llvm::SmallVector<int64_t> fromChannelsLast(int64_t rank);

mlir::Value transpose(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::ArrayRef<int64_t> perm);

} // namespace tenon

#endif // TENON_LIB_TRANSFORMS_LAYOUT_LAYOUT_H
