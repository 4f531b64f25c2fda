//===- Contractions.h - What products and convolutions share --------------===//
//
// Private to dialects/Graph/IR: of floats and of integers.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_IR_CONTRACTIONS_H
#define GRAPH_IR_CONTRACTIONS_H

#include "Graph/IR/OpSupport.h"

namespace tenon::graph {

/// The attributes of a convolution: [N, C, D1..Dr] (channels last: [N, D1..Dr, C]) by weights [M, C/group, K1..Kr].
struct WindowOf {
  mlir::ArrayRef<int64_t> strides, pads, dilations;
  int64_t group;
  bool channelsLast;
};

/// Shapes of the results of x [.., m, k] w [.., k, n] (operands of rank 1 are a row and a column; ranks of 1 or more)
/// and of a convolution; failure (with a diagnostic at `loc`, if given) where extents do not fit.
mlir::FailureOr<mlir::SmallVector<DimAttr>> inferProduct(std::optional<mlir::Location> loc, mlir::RankedTensorType x,
                                                         mlir::RankedTensorType w, bool isTransposed);
mlir::FailureOr<mlir::SmallVector<DimAttr>> inferConvolution(std::optional<mlir::Location> loc,
                                                             mlir::RankedTensorType x, mlir::RankedTensorType w,
                                                             const WindowOf &window);
mlir::LogicalResult verifyConvolution(mlir::Operation *op, mlir::RankedTensorType x, mlir::RankedTensorType w,
                                      const WindowOf &window);
/// Loops: batch dimensions of the result, then m (unless x is a row), n (unless w is a column), then k. Maps: x, w, y.
IterationSpace getProductSpace(mlir::RankedTensorType x, mlir::RankedTensorType w, mlir::RankedTensorType y,
                               bool isTransposed);
/// Loops: n, m, spatial (in the order of the result y), then the reduced input channel and the window. Maps: x, w, a
/// bias [M], y. With groups the channel map is not affine in m alone; the space then has a leading group loop left out
/// and describes group 1.
IterationSpace getConvolutionSpace(mlir::RankedTensorType y, mlir::RankedTensorType w, const WindowOf &window);

} // namespace tenon::graph

#endif // GRAPH_IR_CONTRACTIONS_H
