//===- Kernels.h - The evaluation of each kind of operation ---------------===//
//
// Private to lib/Reference. Each appends the results of `c.op`, or emits a diagnostic and fails.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_REFERENCE_KERNELS_H
#define TENON_LIB_REFERENCE_KERNELS_H

#include "OpContext.h"

namespace tenon::reference {

/// Any op with ElementwiseOpInterface but graph.cast.
mlir::LogicalResult evaluateElementwise(OpContext &c);
mlir::LogicalResult evaluateCast(OpContext &c);
/// Any op with ReductionOpInterface.
mlir::LogicalResult evaluateReduction(OpContext &c);

mlir::LogicalResult evaluateMatMul(OpContext &c);
mlir::LogicalResult evaluateConv(OpContext &c);
mlir::LogicalResult evaluateConvTranspose(OpContext &c);
mlir::LogicalResult evaluatePool(OpContext &c);
mlir::LogicalResult evaluateResize(OpContext &c);
mlir::LogicalResult evaluateSoftmax(OpContext &c);
mlir::LogicalResult evaluateLayerNormalization(OpContext &c);
mlir::LogicalResult evaluateRmsNormalization(OpContext &c);
mlir::LogicalResult evaluateBatchNormalization(OpContext &c);
mlir::LogicalResult evaluateCumSum(OpContext &c);
mlir::LogicalResult evaluateCumProd(OpContext &c);
mlir::LogicalResult evaluateScatter(OpContext &c);
mlir::LogicalResult evaluateBitcast(OpContext &c);
mlir::LogicalResult evaluateTopK(OpContext &c);
mlir::LogicalResult evaluateDet(OpContext &c);
mlir::LogicalResult evaluateDft(OpContext &c);
mlir::LogicalResult evaluateLstm(OpContext &c);
mlir::LogicalResult evaluateGru(OpContext &c);
mlir::LogicalResult evaluateAttention(OpContext &c);
mlir::LogicalResult evaluateRotaryEmbedding(OpContext &c);

mlir::LogicalResult evaluateQuantize(OpContext &c);
mlir::LogicalResult evaluateDequantize(OpContext &c);
mlir::LogicalResult evaluateIntegerMatMul(OpContext &c);
mlir::LogicalResult evaluateIntegerConv(OpContext &c);
mlir::LogicalResult evaluateUnpack2To4(OpContext &c);

mlir::LogicalResult evaluateConstant(OpContext &c);
mlir::LogicalResult evaluateRange(OpContext &c);
mlir::LogicalResult evaluateDimsOp(OpContext &c);
mlir::LogicalResult evaluateReshape(OpContext &c);
mlir::LogicalResult evaluateTranspose(OpContext &c);
mlir::LogicalResult evaluateExpand(OpContext &c);
mlir::LogicalResult evaluateConcat(OpContext &c);
mlir::LogicalResult evaluateSlice(OpContext &c);
mlir::LogicalResult evaluatePad(OpContext &c);
mlir::LogicalResult evaluateGather(OpContext &c);

/// The product of the first two operands, w [.., n, k] if `isTransposed`; integers wrap.
mlir::LogicalResult evaluateProduct(OpContext &c, bool isTransposed);
/// The convolution of the first two operands with the bias that the third is, if there is one.
struct ConvolutionAttributes {
  llvm::ArrayRef<int64_t> strides, pads, dilations;
  int64_t groups;
  bool channelsLast;
};
mlir::LogicalResult evaluateConvolution(OpContext &c, const ConvolutionAttributes &attributes);

/// Operand 2 of a convolution, [count], as doubles; zeros where there is none.
mlir::FailureOr<HostTensor> convBias(OpContext &c, int64_t count);

/// Evaluates the operations of `block` in order; appends the operands of its terminator. `observer` may be null.
mlir::LogicalResult
evaluateBlock(mlir::Block &block, llvm::ArrayRef<HostTensor> arguments, llvm::SmallVectorImpl<HostTensor> &results,
              const Environment &env,
              llvm::function_ref<mlir::LogicalResult(mlir::Operation *, llvm::ArrayRef<HostTensor>)> observer);

} // namespace tenon::reference

#endif // TENON_LIB_REFERENCE_KERNELS_H
