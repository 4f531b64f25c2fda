//===- Quantization.h - Pieces of the passes on what is quantized ---------===//
#ifndef TENON_LIB_TRANSFORMS_QUANTIZATION_QUANTIZATION_H
#define TENON_LIB_TRANSFORMS_QUANTIZATION_QUANTIZATION_H

#include "Graph/IR/Expressions.h"
#include "Graph/IR/QuantizationOps.h"
#include "mlir/IR/PatternMatch.h"

namespace tenon {

/// move (dequantize q)  ->  dequantize (move q);  quantize (move x)  ->  move (quantize x);  what cancels goes
void populateMoveQuantizationPatterns(mlir::RewritePatternSet &patterns);

/// A scale or zero point of x, along `axis` or in blocks of it, as a tensor that broadcasts with it. `v` may be null.
mlir::Value alignScale(graph::Expressions &c, mlir::Value v, mlir::Value x, int64_t axis, int64_t block);

} // namespace tenon

#endif // TENON_LIB_TRANSFORMS_QUANTIZATION_QUANTIZATION_H
