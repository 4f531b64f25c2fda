//===- Conv.h - Shared by the convolution strategies ----------------------===//
#ifndef TENON_LIB_CODEGEN_CPU_CONV_H
#define TENON_LIB_CODEGEN_CPU_CONV_H

#include "HeavyEmit.h"
#include "HeavyRegion.h"

namespace tenon::codegen {

/// A convolution over channels-last x with two spatial dimensions; one-dimensional ones have height 1.
struct ConvGeometry {
  graph::DimAttr images, height, width, outHeight, outWidth;
  int64_t channels, columns, groups; ///< of x, of y, attribute group
  int64_t kernelHeight, kernelWidth, strideHeight, strideWidth, dilationHeight, dilationWidth;
  int64_t padTop, padLeft, padBottom, padRight;
  bool isOneDimensional;

  int64_t elementBytes = 4; ///< of x and w: 1 in a convolution of integers

  /// Of graph.conv or graph.integer_conv; nothing for other ranks.
  static std::optional<ConvGeometry> get(mlir::Operation *conv);

  int64_t groupChannels() const { return channels / groups; }
  bool isPadded() const { return padTop || padLeft || padBottom || padRight; }
  bool isInteger() const { return elementBytes == 1; }
  /// Elements of x that an output reads: taps * channels.
  int64_t depth() const { return kernelHeight * kernelWidth * groupChannels(); }
  /// Stretches of x that are contiguous, of runLength() elements: rows of the kernel, or taps where these are apart.
  bool hasRowRuns() const { return groups == 1 && dilationWidth == 1; }
  int64_t runLength() const { return hasRowRuns() ? kernelWidth * groupChannels() : groupChannels(); }
  int64_t runs() const { return depth() / runLength(); }
  PanelLayout layout() const {
    return isInteger() ? PanelLayout::integers(runs() * llvm::divideCeil(runLength(), 4))
                       : PanelLayout::floats(depth());
  }
  /// Extents of y without the channels, as the epilogue wants coordinates of them.
  llvm::SmallVector<graph::DimAttr> pixelDims() const;
  /// Coordinates of y for the epilogue.
  llvm::SmallVector<mlir::Value> coords(mlir::Value image, mlir::Value row, mlir::Value pixel,
                                        mlir::Value column) const;
};

/// True for a convolution that is the product of pixels and weights.
bool isProduct(const ConvGeometry &g);

/// How the rows of an image are shared between work groups.
struct RowBlocks {
  graph::DimAttr rows;   ///< output rows of a block; the last one of an image may be shorter
  graph::DimAttr blocks; ///< of one image
  /// Blocks of about `rows` output rows, in even shares.
  static RowBlocks get(const ConvGeometry &g, graph::DimAttr rows);
  /// What is known of the number of rows of a block, for tiles of `tileRows` rows.
  Extent extent(const ConvGeometry &g, int64_t tileRows) const;
};

/// The input as tiles read it: rows of pixels, padded if the convolution is. Without padding it is x itself; else the
/// rows that a block of output rows needs are copied to scratch, with their borders, before the block is computed.
class ConvInput {
public:
  /// `zero`: the element that is padded with. The first `reserved` elements of its scratch, of which there is some if
  /// they are not 0, are the caller's.
  ConvInput(const ConvGeometry &g, KernelBuilder &k, mlir::Value x, mlir::Value zero, const RowBlocks &blocks,
            int64_t reserved = 0);

  /// Emits the copy for output rows [first, end) of `image`.
  void load(mlir::Value image, mlir::Value first, mlir::Value end);
  mlir::Value buffer() const { return data; }
  /// The scratch; null if there is none.
  mlir::Value scratch() const { return memory; }
  /// Elements from one input row to the next.
  mlir::Value rowStride() const { return stride; }
  /// Flat index of the first tap, channel 0, of output pixel (row, pixel); `first` as given to `load`.
  mlir::Value base(mlir::Value image, mlir::Value first, mlir::Value row, mlir::Value pixel) const;

private:
  void loadRow(mlir::Value image, mlir::Value inputRow, mlir::Value to);

  const ConvGeometry &g;
  KernelBuilder &k;
  mlir::Value x, zero, data, stride, memory;
  int64_t reserved;
};

/// The element of x that stands for 0.
mlir::Value paddingOf(const HeavyRegion &region, KernelBuilder &k);

/// Elements of x in a row with its padding.
graph::DimAttr paddedRowElements(const ConvGeometry &g);

/// The range of taps of one dimension that fall inside the input for every output position in [first, last].
std::pair<mlir::Value, mlir::Value> usedTaps(KernelBuilder &k, mlir::Value first, mlir::Value last, mlir::Value extent,
                                             int64_t taps, int64_t stride, int64_t dilation, int64_t pad);

void emitDirectConv(const HeavyRegion &region, const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                    EpilogueFn epilogue);
void emitDepthwiseConv(const HeavyRegion &region, const ConvGeometry &g, KernelBuilder &k, const CpuTarget &target,
                       EpilogueFn epilogue);
/// Any rank, group and weights: correct, not fast.
void emitPlainConv(const HeavyRegion &region, KernelBuilder &k, EpilogueFn epilogue);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_CPU_CONV_H
