//===- ArenaPlacement.h - Offsets for buffers with lifetimes --------------===//
#ifndef TENON_PLAN_ARENAPLACEMENT_H
#define TENON_PLAN_ARENAPLACEMENT_H

#include <cstdint>
#include <vector>

namespace tenon::plan {

/// Every arena offset is a multiple of this, in bytes.
inline constexpr int64_t arenaAlignment = 64;

/// A buffer to place: `bytes` long, live from record `first` to record `last`, both included.
struct ArenaItem {
  int64_t bytes = 0;
  uint32_t first = 0;
  uint32_t last = 0;
  int64_t offset = -1; ///< in: fixed offset or -1; out: the offset
};

/// Places the items with offset -1 such that no two live at the same time overlap: largest first, each into the
/// smallest gap that holds it (best fit). Equal input gives equal output. O(n^2 log n) in the number of items.
/// Returns the bytes of the arena, or -1 where a size is negative or the total exceeds 2^46.
int64_t placeArena(std::vector<ArenaItem> &items);

/// The most bytes live at any record: a lower bound of any placement.
int64_t arenaLowerBound(const std::vector<ArenaItem> &items);

} // namespace tenon::plan

#endif // TENON_PLAN_ARENAPLACEMENT_H
