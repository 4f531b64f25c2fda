//===- Evaluate.cpp - Evaluation of one operation -------------------------===//
#include "tenon/Reference/Evaluate.h"

#include "Graph/IR/GruOp.h"
#include "Graph/IR/QuantizationOps.h"
#include "Graph/IR/SpecialOps.h"
#include "Kernels.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

static LogicalResult evaluateDispatch(OpContext &c) {
  auto op = cast<graph::DispatchOp>(c.op);
  return evaluateBlock(op.getBody().front(), c.operands, c.results, c.env, nullptr);
}

using Kernel = LogicalResult (*)(OpContext &);

/// The kernel of an operation; null if it has none.
static Kernel findKernel(Operation *op) {
  if (isa<graph::CastOp>(op))
    return evaluateCast;
  if (isa<graph::BitcastOp>(op))
    return evaluateBitcast;
  if (isa<graph::ElementwiseOpInterface>(op))
    return evaluateElementwise;
  if (isa<graph::ReductionOpInterface>(op))
    return evaluateReduction;
  static const std::pair<StringRef, Kernel> kernels[] = {
      {graph::MatMulOp::getOperationName(), evaluateMatMul},
      {graph::ConvOp::getOperationName(), evaluateConv},
      {graph::ConvTransposeOp::getOperationName(), evaluateConvTranspose},
      {graph::QuantizeOp::getOperationName(), evaluateQuantize},
      {graph::DequantizeOp::getOperationName(), evaluateDequantize},
      {graph::IntegerMatMulOp::getOperationName(), evaluateIntegerMatMul},
      {graph::IntegerConvOp::getOperationName(), evaluateIntegerConv},
      {graph::Unpack2To4Op::getOperationName(), evaluateUnpack2To4},
      {graph::MaxPoolOp::getOperationName(), evaluatePool},
      {graph::AveragePoolOp::getOperationName(), evaluatePool},
      {graph::ResizeOp::getOperationName(), evaluateResize},
      {graph::SoftmaxOp::getOperationName(), evaluateSoftmax},
      {graph::LogSoftmaxOp::getOperationName(), evaluateSoftmax},
      {graph::LayerNormalizationOp::getOperationName(), evaluateLayerNormalization},
      {graph::RmsNormalizationOp::getOperationName(), evaluateRmsNormalization},
      {graph::CumSumOp::getOperationName(), evaluateCumSum},
      {graph::CumProdOp::getOperationName(), evaluateCumProd},
      {graph::ScatterOp::getOperationName(), evaluateScatter},
      {graph::TopKOp::getOperationName(), evaluateTopK},
      {graph::DetOp::getOperationName(), evaluateDet},
      {graph::DftOp::getOperationName(), evaluateDft},
      {graph::LstmOp::getOperationName(), evaluateLstm},
      {graph::GruOp::getOperationName(), evaluateGru},
      {graph::AttentionOp::getOperationName(), evaluateAttention},
      {graph::RotaryEmbeddingOp::getOperationName(), evaluateRotaryEmbedding},
      {graph::BatchNormalizationOp::getOperationName(), evaluateBatchNormalization},
      {graph::ConstantOp::getOperationName(), evaluateConstant},
      {graph::RangeOp::getOperationName(), evaluateRange},
      {graph::DimsOp::getOperationName(), evaluateDimsOp},
      {graph::ReshapeOp::getOperationName(), evaluateReshape},
      {graph::TransposeOp::getOperationName(), evaluateTranspose},
      {graph::ExpandOp::getOperationName(), evaluateExpand},
      {graph::ConcatOp::getOperationName(), evaluateConcat},
      {graph::SliceOp::getOperationName(), evaluateSlice},
      {graph::PadOp::getOperationName(), evaluatePad},
      {graph::GatherOp::getOperationName(), evaluateGather},
      {graph::DispatchOp::getOperationName(), evaluateDispatch},
  };
  StringRef name = op->getName().getStringRef();
  const auto *it = llvm::find_if(kernels, [&](const auto &entry) { return entry.first == name; });
  return it == std::end(kernels) ? nullptr : it->second;
}

/// Whether the tensors are what the operand types say: kernels rely on ranks and element types.
static LogicalResult checkOperands(OpContext &c) {
  if (c.operands.size() != c.op->getNumOperands())
    return c.mismatch() << c.operands.size() << " tensors for " << c.op->getNumOperands() << " operands";
  for (auto [i, tensor] : llvm::enumerate(c.operands)) {
    auto type = dyn_cast<RankedTensorType>(c.op->getOperand(static_cast<unsigned>(i)).getType());
    if (!type || getElementType(type.getElementType()) != tensor.getType())
      return c.unsupported() << "operand " << i << " of type " << c.op->getOperand(static_cast<unsigned>(i)).getType();
    std::optional<SmallVector<int64_t>> dims = evaluateDims(type, c.env.symbols);
    if (!dims || ArrayRef(*dims) != tensor.getDims())
      return c.mismatch() << "operand " << i << " has extents [" << tensor.getDims() << "], which is not " << type;
  }
  return success();
}

LogicalResult reference::evaluate(Operation *op, ArrayRef<HostTensor> operands, SmallVectorImpl<HostTensor> &results,
                                  const Environment &env) {
  OpContext c{op, operands, results, env};
  Kernel kernel = findKernel(op);
  if (!kernel)
    return c.unsupported() << "there is no reference evaluation";
  if (failed(checkOperands(c)))
    return failure();
  return kernel(c);
}
