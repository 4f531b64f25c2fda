//===- Layers.h - What of a model has weights ------------------------------===//
#ifndef TENON_COMPRESS_LAYERS_H
#define TENON_COMPRESS_LAYERS_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>
#include <vector>

namespace tenon::compress {

/// A product or convolution of f32 whose weights are a constant.
struct Layer {
  mlir::Operation *op = nullptr;  ///< graph.matmul with w [K, N] ([N, K] if transposed), or graph.conv
  std::string name;               ///< the ONNX node
  int64_t outputs = 0, depth = 0; ///< the weights are a matrix [outputs, depth]; depth = what one result sums
  int64_t groups = 1;             ///< of a convolution: rows [g, g + 1) * outputs / groups read group g of the channels

  bool isConv() const { return mlir::isa<graph::ConvOp>(op); }
  mlir::Value input() const { return op->getOperand(0); }
  graph::ConstantOp weights() const { return op->getOperand(1).getDefiningOp<graph::ConstantOp>(); }
  mlir::RankedTensorType weightType() const { return mlir::cast<mlir::RankedTensorType>(op->getOperand(1).getType()); }
  /// Whether the stored weights are [depth, outputs].
  bool isTransposed() const;
  int64_t elements() const { return outputs * depth; }
};

/// The layers of `function` in its order. Without those that match a pattern of `keep`, and those of fewer than
/// `minElements` weights.
std::vector<Layer> findLayers(mlir::func::FuncOp function, llvm::ArrayRef<std::string> keep = {},
                              int64_t minElements = 1024);

/// The weights as [outputs, depth], row-major; of a convolution depth runs over (channel, taps) as ONNX stores them.
/// Empty if they cannot be read.
std::vector<float> readWeights(const Layer &layer);

/// Gives the layer new weights of the same shape. The old constant stays for its other users.
void writeWeights(const Layer &layer, llvm::ArrayRef<float> matrix);

/// A constant of `type` with these bytes, a byte or more for each element.
mlir::Value makeConstant(mlir::OpBuilder &b, mlir::Location loc, mlir::RankedTensorType type,
                         llvm::ArrayRef<char> bytes, llvm::StringRef name);

/// Whether `name` matches one of `patterns`, in which * stands for anything.
bool matchesAny(llvm::ArrayRef<std::string> patterns, llvm::StringRef name);

} // namespace tenon::compress

#endif // TENON_COMPRESS_LAYERS_H
