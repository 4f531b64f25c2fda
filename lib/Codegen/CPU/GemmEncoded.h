//===- GemmEncoded.h - Weights that a kernel decodes itself ---------------===//
//
// Weights of a product or convolution may lie in the plan in a smaller form: integers of 4 or 8 bits or floats of 8,
// with scales, or the two of four values that are not 0. The kernel turns a panel of them into the f32 panel that the
// ordinary register tile reads: the sums are bit for bit those of dense weights. A panel that one tile uses is decoded
// in registers; else it is decoded to scratch, once for all the rows of a work group.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_GEMMENCODED_H
#define TENON_LIB_CODEGEN_CPU_GEMMENCODED_H

#include "HeavyEmit.h"

namespace tenon::codegen {

/// How the weights of a graph.matmul or graph.conv are stored.
struct EncodedWeights {
  enum class Scales { None, Tensor, Columns, Blocks };

  mlir::Operation *decoder = nullptr; ///< graph.dequantize or graph.unpack_2to4: operand 1 of the heavy op
  llvm::StringRef layout;             ///< of the dense weights: "kn", "nk", "oihw" or "depthwise"
  mlir::Type element;                 ///< of the stored values
  Scales scales = Scales::None;
  bool hasZero = false;                        ///< zero points, stored as the scales are
  int64_t columns = 0, taps = 1, channels = 0; ///< a packed row for each (tap, channel)
  int64_t block = 0;                           ///< channels that share a scale, for Scales::Blocks

  /// The form of the weights of `heavy`, if they come from an op that a kernel can do itself.
  static std::optional<EncodedWeights> match(mlir::Operation *heavy);

  bool isSparse() const { return scales == Scales::None; }
  bool isNibble() const { return element.getIntOrFloatBitWidth() == 4; }
  /// Two elements share a byte.
  bool isHalved() const { return isNibble() && layout != "depthwise"; }
  int64_t depth() const { return taps * channels; }
  /// Rows of scales of a panel, for Scales::Blocks.
  int64_t scaleRows() const { return taps * llvm::divideCeil(channels, block); }
  /// The packed format of operand i of the decoder ("" = as it is).
  llvm::StringRef formatOf(unsigned operand) const;
};

/// Emits what turns stored weights into f32 vectors.
class WeightDecoder {
public:
  /// Buffers of the decoder's operands: scale and zero are null where there are none. For 2:4, `scale` holds the
  /// indices.
  WeightDecoder(const EncodedWeights &weights, KernelBuilder &k, mlir::Value values, mlir::Value scale,
                mlir::Value zero)
      : e(weights), k(k), values(values), scale(scale), zero(zero) {}

  /// Scales and zero points of some vectors: a vector of f32, and of i32 (null = 0), for each.
  struct Factors {
    llvm::SmallVector<mlir::Value, 2> scale, zero;
  };
  /// Those of the vectors of `panel` from column `offset` on, with their valid lanes, that hold for packed row `row` of
  /// all panels together. Only blocks of scales need the row.
  Factors loadFactors(mlir::Value panel, mlir::Value row, int64_t offset, llvm::ArrayRef<mlir::Value> lanes);
  /// Packed rows, from a multiple of it on, that have the same factors, or one group of 2:4; 0 = all of a panel.
  int64_t sharedRows() const { return e.isSparse() ? 4 : e.scales == EncodedWeights::Scales::Blocks ? e.block : 0; }

  /// As many vectors as there are factors (or `vectors` of 2:4) of packed row `row` of all panels together.
  llvm::SmallVector<mlir::Value> decodeRow(mlir::Value row, int64_t offset, int64_t vectors, const Factors &factors);

  /// Asks for the packed row that will be decoded some rows after `row`.
  void prefetch(mlir::Value row);

  /// Bytes of scratch for a decoded panel.
  int64_t panelBytes() const { return e.depth() * weightPanel * 4; }
  /// Decodes a panel to `to` (f32), from its start.
  void decodePanel(mlir::Value panel, mlir::Value to);
  /// Elements of decoded depthwise weights: taps x columns, these padded to vectors.
  int64_t depthwiseElements() const { return e.taps * llvm::alignTo(e.columns, vectorWidth); }
  /// Decodes depthwise weights to `to` from element `first` on.
  void decodeDepthwise(mlir::Value to, mlir::Value first);

  const EncodedWeights &weights() const { return e; }

private:
  mlir::Value loadBytes(mlir::Value buffer, mlir::Value index, mlir::Value lanes = {}, int64_t count = vectorWidth);
  mlir::Value toInteger(mlir::Value bytes);
  mlir::Value toHalfBits(mlir::Value bytes);
  mlir::Value splat(int64_t value);
  Factors loadFactors(mlir::Value index, llvm::ArrayRef<mlir::Value> lanes);
  mlir::Value dequantize(mlir::Value number, const Factors &factors, size_t v);
  llvm::SmallVector<mlir::Value> decodeHalved(mlir::Value row, int64_t offset, const Factors &factors);
  llvm::SmallVector<mlir::Value> decodeFloats(mlir::Value index, const Factors &factors);
  llvm::SmallVector<mlir::Value> decodeSparse(mlir::Value group, mlir::Value place, int64_t offset, int64_t vectors);
  llvm::SmallVector<mlir::Value> lanesOf(mlir::Value column, int64_t vectors);

  const EncodedWeights &e;
  KernelBuilder &k;
  mlir::Value values, scale, zero;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_GEMMENCODED_H
