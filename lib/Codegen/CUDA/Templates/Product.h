//===- Product.h - Matrix products and what is one ------------------------===//
//
// What the templates of matrix products share: a region as a product C[batch] = A[batch] * B[batch], and the text of
// its kernel for a tile. A convolution is one whose A is the patches of the images (ConvOperand of conv.cuh).
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_PRODUCT_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_PRODUCT_H

#include "ConvGeometry.h"
#include "TileChoice.h"

namespace tenon::codegen::cuda {

/// y[batch, m, n] of x[batch, m, k] and w[batch, k, n]; a w of one matrix makes all rows of x those of one matrix.
struct Product {
  graph::DimAttr batch, m, n, k;
  bool transposedB = false;         ///< w is [batch, n, k]
  std::optional<ConvGeometry> conv; ///< x is images; w is packed as "hwio"

  /// The heavy op of `region`, whose operands have the element type of its result; nothing if it is none.
  static std::optional<Product> get(const HeavyRegion &region);
  /// What the cost model has to know; the unit is that of f32.
  TileProblem problem(const HeavyRegion &region) const;
};

/// What multiplies elements of `type` on tensor cores; f32 as TF32.
cost::Unit tensorUnit(mlir::Type type);

/// How a template takes A and B.
enum class OperandForm {
  Memory, ///< both as operands of gemm.cuh
  Maps,   ///< both as tensor maps, with boxes of TileCandidate::depth elements, as gemm_wgmma.cuh says
  MapOfB, ///< A as an operand, B as a tensor map
};

/// An instance of GemmSimt, GemmMma, GemmWgmma or ConvWgmma.
struct ProductTile {
  std::string type; ///< "GemmSimt<64, 64, 16, 4, 4, 2, false>"
  int minBlocks;    ///< the second launch bound
  llvm::StringRef include;
  TileCandidate shape;
  cost::Tactic tactic;
  OperandForm form = OperandForm::Memory;
};

/// The kernel of `region`, which is `product`, by `tile`.
mlir::FailureOr<CudaKernel> emitProduct(const HeavyRegion &region, llvm::StringRef name, const Product &product,
                                        const ProductTile &tile);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_PRODUCT_H
