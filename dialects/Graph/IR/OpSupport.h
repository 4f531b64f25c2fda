//===- OpSupport.h - Shared pieces of the op definitions ------------------===//
//
// Private to dialects/Graph/IR: what the generated op definitions and the .cpp files of the categories have in common.
//
//===----------------------------------------------------------------------===//
#ifndef GRAPH_IR_OPSUPPORT_H
#define GRAPH_IR_OPSUPPORT_H

#include "Graph/IR/GraphOps.h"

namespace tenon::graph {

// ---- scalar and vector code (ElementwiseBuilders.cpp); operands are scalars or vectors of one shape ----

/// True if the element type of `v` is a floating-point type.
bool isFloatLike(mlir::Value v);
/// True if the tensor `v` has elements of an unsigned type.
bool hasUnsignedElements(mlir::Value v);
/// The constant `value` shaped like `like`.
mlir::Value splat(mlir::OpBuilder &b, mlir::Location loc, mlir::Value like, double value);
/// max(x, y), NaN if either is.
mlir::Value buildMaximum(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);
/// min(x, y), NaN if either is.
mlir::Value buildMinimum(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);
mlir::Value buildSigmoid(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildHardSigmoid(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha, double beta);
mlir::Value buildLeakyRelu(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, double alpha);
mlir::Value buildPower(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);
mlir::Value buildIntegerPower(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool isUnsigned);
mlir::Value buildIntegerMinimum(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool isUnsigned);
mlir::Value buildIntegerMaximum(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool isUnsigned);
/// Truncating integer division; x / 0 is 0 (the processor must not trap).
mlir::Value buildDivide(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool isUnsigned);
mlir::Value buildRemainder(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool isUnsigned,
                           bool hasSignOfX);
/// Exact while x / y is below 2^22.
mlir::Value buildFloatRemainder(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool hasSignOfX);
mlir::Value buildShift(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool isUnsigned,
                       bool left);
mlir::Value buildSign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, bool isUnsigned);
mlir::Value buildIsInf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, bool negative, bool positive);
// Hyperbolic functions through expm1 and log1p, which keep their precision near 0.
mlir::Value buildSinh(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildCosh(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildAsinh(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildAcosh(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value buildAtanh(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);

// ---- types, spaces, folds ----

/// The ONNX broadcast of shapes; failure (with a diagnostic at `loc`, if given) where constants do not match.
mlir::FailureOr<mlir::SmallVector<DimAttr>> broadcastShapes(std::optional<mlir::Location> loc,
                                                            mlir::MLIRContext *context,
                                                            mlir::ArrayRef<mlir::SmallVector<DimAttr>> shapes);
mlir::LogicalResult inferElementwise(std::optional<mlir::Location> loc, mlir::ValueRange operands,
                                     mlir::StringRef resultType, mlir::SmallVectorImpl<mlir::Type> &types);
IterationSpace getElementwiseSpace(mlir::Operation *op);
mlir::OpFoldResult foldElementwise(mlir::Operation *op);

/// The map from the space of a result of rank `rank` to an operand that broadcasts to it: constant 0 where the
/// operand's extent is the constant 1 and the result's is not.
mlir::AffineMap getBroadcastMap(mlir::RankedTensorType operand, mlir::ArrayRef<DimAttr> result);

enum class Neutral { Zero, One, Lowest, Highest };
mlir::TypedAttr makeNeutral(mlir::Type type, Neutral neutral);
mlir::LogicalResult verifyReduction(mlir::Operation *op);
IterationSpace getReductionSpace(mlir::Operation *op);
mlir::LogicalResult inferReduction(std::optional<mlir::Location> loc, mlir::Type x, mlir::ArrayRef<int64_t> axes,
                                   bool keepdims, mlir::SmallVectorImpl<mlir::Type> &types);

/// C: the lengths of window attributes for `rank` spatial dimensions; the values positive (pads: not negative).
mlir::LogicalResult verifyWindow(mlir::Operation *op, int64_t rank, mlir::ArrayRef<int64_t> kernel,
                                 mlir::ArrayRef<int64_t> strides, mlir::ArrayRef<int64_t> pads,
                                 mlir::ArrayRef<int64_t> dilations);
/// The extent of a windowed dimension: floor or ceil of (d + begin + end - dilation * (kernel - 1) - 1) / stride,
/// plus 1.
DimAttr windowExtent(DimAttr d, DimAttr kernel, int64_t stride, int64_t begin, int64_t end, int64_t dilation,
                     bool ceil);

/// Fails with a diagnostic at `loc`, if given.
mlir::LogicalResult inferenceError(std::optional<mlir::Location> loc, const mlir::Twine &message);

/// False where the rank or a constant extent of `type` is another than that of `dims`.
inline bool mayHaveDims(mlir::RankedTensorType type, mlir::ArrayRef<DimAttr> dims) {
  return type.getRank() == int64_t(dims.size()) && llvm::all_of(llvm::zip_equal(getDims(type), dims), [](auto pair) {
           auto [a, b] = pair;
           return a == b || !a.getConstant() || !b.getConstant();
         });
}

inline mlir::RankedTensorType tensorType(mlir::Type type) { return mlir::cast<mlir::RankedTensorType>(type); }

} // namespace tenon::graph

#endif // GRAPH_IR_OPSUPPORT_H
