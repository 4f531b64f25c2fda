//===- DepthwiseInteger.h - Tiles of depthwise convolutions of bytes ------===//
#ifndef TENON_LIB_CODEGEN_CPU_DEPTHWISEINTEGER_H
#define TENON_LIB_CODEGEN_CPU_DEPTHWISEINTEGER_H

#include "Conv.h"
#include "ZeroPoints.h"

namespace tenon::codegen {

/// Where the outputs of a tile find their input: row r of the window starts at bases[r] of buffers[r]; pixels outside
/// [validBegin, validEnd) are outside the image.
struct DepthwiseWindow {
  int64_t rows, pixels; ///< of outputs
  int64_t validBegin, validEnd;
  llvm::ArrayRef<mlir::Value> buffers, bases;
};

/// The sums (vector<16xi32>) of 16 channels from `channel` on, for each output of the tile, row by row. `w` are packed
/// as "depthwise". Taps of a column must be neighbours: no dilation of rows.
llvm::SmallVector<mlir::Value> emitDepthwisePairs(const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                                                  ZeroPoints &zeros, mlir::Value w, const DepthwiseWindow &window,
                                                  mlir::Value channel, mlir::Value lanes);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_DEPTHWISEINTEGER_H
