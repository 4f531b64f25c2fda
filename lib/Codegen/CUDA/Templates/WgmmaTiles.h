//===- WgmmaTiles.h - What products and convolutions by wgmma share -------===//
#ifndef TENON_LIB_CODEGEN_CUDA_TEMPLATES_WGMMATILES_H
#define TENON_LIB_CODEGEN_CUDA_TEMPLATES_WGMMATILES_H

#include "Product.h"

namespace tenon::codegen::cuda {

/// A region whose operands tensor cores take by tensor map: both f16 or both bf16, on a GPU that has maps.
inline bool isForWgmma(const HeavyRegion &region, const CudaTarget &target) {
  mlir::Type type = region.operandType(0).getElementType();
  return target.hasTensorMaps && (type.isF16() || type.isBF16()) && region.operandType(1).getElementType() == type;
}

/// A constant and whole number of 16-byte chunks of 8 elements, not 0: what strides and extents of maps have to be.
inline bool isWhole(graph::DimAttr extent) {
  const int64_t size = extent.getConstant().value_or(0);
  return size > 0 && size % 8 == 0;
}

/// The tiles of GemmWgmma and ConvWgmma with these columns: detail::WgmmaTiles of gemm_wgmma.cuh.
inline llvm::SmallVector<TileCandidate> wgmmaTiles(llvm::ArrayRef<int64_t> widths) {
  constexpr int64_t rows = 128, depth = 64, stages = 4;
  constexpr int threads = 384, registers = 168;
  llvm::SmallVector<TileCandidate> tiles;
  for (int64_t columns : widths)
    tiles.push_back({rows, columns, depth, threads, registers, stages * (rows + columns) * depth * 2});
  return tiles;
}

/// The kernel of `region` by the best of `tiles`. `type`: "GemmWgmma"; `last`: its template arguments after the stages.
mlir::FailureOr<CudaKernel> emitWgmma(const HeavyRegion &region, llvm::StringRef name, const CudaTarget &target,
                                      llvm::StringRef type, llvm::StringRef last, OperandForm form,
                                      llvm::ArrayRef<TileCandidate> tiles, llvm::StringRef family);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_TEMPLATES_WGMMATILES_H
