//===- ArenaPlacement.cpp - Offsets for buffers with lifetimes ------------===//
//
// Greedy by size with best fit, as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
// 2020 (their strategy "greedy by size for offset calculation").
//
//===----------------------------------------------------------------------===//
#include "tenon/Plan/ArenaPlacement.h"

#include "tenon/Plan/Checked.h"

#include <algorithm>
#include <numeric>

namespace tenon::plan {

static constexpr int64_t maxArena = int64_t(1) << 46;

static bool liveTogether(const ArenaItem &a, const ArenaItem &b) { return a.first <= b.last && b.first <= a.last; }

/// The offset for `item` among `placed`, sorted by offset.
static int64_t bestOffset(const ArenaItem &item, const std::vector<ArenaItem> &placed) {
  int64_t best = -1, bestGap = maxArena, end = 0;
  for (const ArenaItem &other : placed) {
    if (!liveTogether(item, other))
      continue;
    int64_t gap = other.offset - end;
    if (gap >= item.bytes && gap < bestGap)
      best = end, bestGap = gap;
    end = std::max(end, alignUp(other.offset + other.bytes, arenaAlignment));
  }
  return best < 0 ? end : best;
}

int64_t placeArena(std::vector<ArenaItem> &items) {
  std::vector<ArenaItem> placed; // sorted by offset
  auto insert = [&](const ArenaItem &item) {
    auto before = [](const ArenaItem &a, const ArenaItem &b) { return a.offset < b.offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), item, before), item);
    return item.offset + item.bytes;
  };
  int64_t size = 0;
  for (const ArenaItem &item : items) {
    if (item.bytes < 0 || item.bytes > maxArena || item.offset > maxArena)
      return -1;
    if (item.offset >= 0 && item.bytes > 0)
      size = std::max(size, insert(item));
  }
  std::vector<size_t> order(items.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return items[a].bytes != items[b].bytes ? items[a].bytes > items[b].bytes : a < b;
  });
  for (size_t index : order) {
    ArenaItem &item = items[index];
    if (item.offset >= 0)
      continue;
    item.offset = 0;
    if (item.bytes == 0)
      continue;
    item.offset = bestOffset(item, placed);
    size = std::max(size, insert(item));
    if (size > maxArena)
      return -1;
  }
  return alignUp(size, arenaAlignment);
}

int64_t arenaLowerBound(const std::vector<ArenaItem> &items) {
  int64_t bound = 0;
  for (const ArenaItem &start : items) { // the live set only grows where an item begins
    int64_t live = 0;
    for (const ArenaItem &item : items)
      if (item.first <= start.first && start.first <= item.last)
        live += item.bytes;
    bound = std::max(bound, live);
  }
  return bound;
}

} // namespace tenon::plan
