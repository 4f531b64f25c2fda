//===- ChannelChoice.h - How many channels of each group stay -------------===//
//
// Numbers only: groups of channels with their importance, products with the extents that groups shrink.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TRANSFORMS_PRUNING_CHANNELCHOICE_H
#define TENON_TRANSFORMS_PRUNING_CHANNELCHOICE_H

#include <cstdint>
#include <utility>
#include <vector>

namespace tenon {

/// Multiply-adds of one op: `fixed` times the product of extents, each smaller by `width` for every removed channel.
struct ProductCost {
  struct Extent {
    int64_t full;
    std::vector<std::pair<size_t, int64_t>> groups; ///< and how wide a channel of each is
  };
  double fixed = 1;
  std::vector<Extent> extents;

  double macs(const std::vector<int64_t> &removed) const;
};

/// A group of channels that may be pruned.
struct PrunableGroup {
  std::vector<double> importance; ///< of each channel
  int64_t unit = 1;               ///< the number that stays is a multiple, or all
  int64_t least = 1;              ///< that stays
};

/// The unit of a group of `count` channels whose widest use is `width` nodes a channel.
int64_t unitOf(int64_t count, int64_t width, int64_t multiple);

/// How many channels of each group go so that no more than `target` multiply-adds stay: of every group the same part.
std::vector<int64_t> chooseUniformly(const std::vector<PrunableGroup> &groups, const std::vector<ProductCost> &products,
                                     double target);

/// The same, unit by unit from the group where a multiply-add costs the least part of the group's importance.
std::vector<int64_t> chooseGlobally(const std::vector<PrunableGroup> &groups, const std::vector<ProductCost> &products,
                                    double target);

} // namespace tenon

#endif // TENON_TRANSFORMS_PRUNING_CHANNELCHOICE_H
