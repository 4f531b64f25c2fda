//===- Window.h - Geometry of convolutions and pools ----------------------===//
#ifndef TENON_LIB_REFERENCE_WINDOW_H
#define TENON_LIB_REFERENCE_WINDOW_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>

namespace tenon::reference {

/// Windows sliding over a space of any rank. Tap t of window p reads coordinate p * stride + t * dilation - begin.
/// Windows, taps and coordinates are also numbered linearly, in row-major order.
struct Window {
  llvm::SmallVector<int64_t> in, out, kernel, strides, dilations, begins, ends;

  /// Without `out`. `pads` lists the begins, then the ends.
  static Window make(llvm::ArrayRef<int64_t> in, llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> strides,
                     llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<int64_t> pads);
  /// The number of windows along each axis; with `ceilMode` rounded up, but a window must start before the end
  /// padding. Nothing if an extent or the padded input is out of range.
  static std::optional<llvm::SmallVector<int64_t>> countWindows(const Window &window, bool ceilMode);

  int64_t numTaps() const;
  int64_t numWindows() const;
  int64_t numInputs() const;
  /// For windows [first, first + count): offsets[tap * count + i] is the linear coordinate, or -1 in the padding.
  void fillOffsets(int64_t first, int64_t count, int64_t *offsets) const;
  /// The number of taps of `window` inside of the padded input (a window may stick out of it with ceilMode).
  int64_t countInsidePadding(int64_t window) const;

private:
  int64_t offset(llvm::ArrayRef<int64_t> outIndex, int64_t tap) const;
};

/// `linear` as an index into `dims`, row-major.
llvm::SmallVector<int64_t> delinearize(int64_t linear, llvm::ArrayRef<int64_t> dims);

/// Where element (sample, channel, position) of [N, C, D..] or, channels last, [N, D.., C] lies.
struct ImageLayout {
  int64_t batch, channels, sampleStride, channelStride, positionStride;
  llvm::SmallVector<int64_t> spatial;

  /// Of a tensor of at least two dimensions.
  ImageLayout(llvm::ArrayRef<int64_t> dims, bool channelsLast);
  /// The extents of a tensor with these.
  static llvm::SmallVector<int64_t> makeDims(int64_t batch, int64_t channels, llvm::ArrayRef<int64_t> spatial,
                                             bool channelsLast);
};

} // namespace tenon::reference

#endif // TENON_LIB_REFERENCE_WINDOW_H
