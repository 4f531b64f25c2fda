//===- ChannelPruning.h - Channels that go as a whole ---------------------===//
//
// Channels are extents of tensors between weights: output channels of one product or convolution, input channels of
// others. A channel goes with all that it is tied to: the same index of a residual sum, the neighbours that a
// concatenation puts beside it, a filter of a depthwise convolution, an attention head through a reshape. What is left
// is a smaller graph of the same kind, which computes what the old one does with the weights zeroed that read removed
// channels.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TRANSFORMS_CHANNELPRUNING_H
#define TENON_TRANSFORMS_CHANNELPRUNING_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>

namespace tenon {

struct ChannelPruningOptions {
  /// The part of the multiply-adds that may stay, in (0, 1].
  double macs = 0.5;
  /// Removes where a multiply-add costs least importance; otherwise the same part of every group.
  bool global = false;
  /// The least part of a group's channels that stays.
  double leastKept = 0.125;
  /// Kept channels of a tensor are a multiple of this where there are twice as many, else of half of it, and so on.
  int64_t multiple = 16;
  /// Removes nothing, but zeroes the weights that read what would be removed: the same values at the old size.
  bool onlyZero = false;
  /// For a graph.conv or graph.matmul, the mean squares of its input's channels ([C] or [K]), empty where not known.
  /// With them a weight counts for what it does to the outputs: w^2 E[x^2]; without them w^2.
  std::function<std::vector<double>(mlir::Operation *)> inputSquares = {};
  /// Products and convolutions whose weights stay as they are, and with them the channels that they write or read. May
  /// be null.
  std::function<bool(mlir::Operation *)> keeps = {};
  /// Called for each product or convolution that loses inputs, with those that stay, before anything becomes smaller.
  /// It may give the constant of the op's weights, or of its bias, another value of the same type. May be null.
  std::function<void(mlir::Operation *, llvm::ArrayRef<int64_t>)> refit = {};
  /// The extent of a symbol, for counting multiply-adds. Default: 1 for all, as only their proportion matters.
  std::function<int64_t(llvm::StringRef)> extent = {};
};

struct ChannelPruningResult {
  double macsBefore = 0, macsAfter = 0;
  int64_t groups = 0;          ///< groups of channels that could be pruned
  int64_t channels = 0;        ///< channels in them
  int64_t channelsRemoved = 0; ///< of `channels`
};

/// Prunes the channels of `function`, a simplified graph with constant weights, in place. Removes nothing where
/// everything reaches an input or output. `macsAfter` is above the target where no more channels may go. Equal
/// constants may be left double.
ChannelPruningResult pruneChannels(mlir::func::FuncOp function, const ChannelPruningOptions &options = {});

} // namespace tenon

#endif // TENON_TRANSFORMS_CHANNELPRUNING_H
