//===- Resharding.cpp - The way from one layout to another --------------------===//
#include "Resharding.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace tenon::partition {

namespace {

class MoveFinder {
public:
  MoveFinder(AxesOfDims have, const AxesOfDims &want, SmallVector<bool> isCutAlike)
      : have(std::move(have)), want(want), isCutAlike(std::move(isCutAlike)) {
    for (auto [axes, isAlike] : llvm::zip_equal(this->have, this->isCutAlike))
      isAlike |= axes.empty(); // what is whole is cut anew
  }

  std::vector<ReshardMove> run() {
    unsigned axes = 0;
    for (const AxesOfDims &layout : {have, want})
      for (const auto &dim : layout)
        for (unsigned axis : dim)
          axes = std::max(axes, axis + 1);
    while (step(axes))
      ;
    return std::move(moves);
  }

private:
  static int homeOf(const AxesOfDims &layout, unsigned axis) {
    const auto *dim = find_if(layout, [&](const auto &axes) { return is_contained(axes, axis); });
    return dim == layout.end() ? -1 : int(dim - layout.begin());
  }

  /// Whether what splits `dim` now is how the axes that shall split it begin.
  bool isPrefix(int dim) const {
    return have[dim].empty() || (isCutAlike[dim] && have[dim].size() <= want[dim].size() &&
                                 std::equal(have[dim].begin(), have[dim].end(), want[dim].begin()));
  }

  bool canEnter(unsigned axis) const {
    const int dim = homeOf(want, axis);
    return dim >= 0 && isPrefix(dim) && have[dim].size() < want[dim].size() && want[dim][have[dim].size()] == axis;
  }

  bool canLeave(unsigned axis) const {
    const int dim = homeOf(have, axis);
    return dim >= 0 && !isPrefix(dim) && have[dim].back() == axis;
  }

  bool move(CollectiveKind kind, unsigned axis, int from, int to) {
    if (from >= 0) {
      have[from].pop_back();
      isCutAlike[from] = isCutAlike[from] || have[from].empty();
    }
    if (to >= 0)
      have[to].push_back(axis);
    moves.push_back({kind, axis, from, to});
    return true;
  }

  bool step(unsigned axes) {
    for (unsigned i = 0; i < axes; ++i)
      if (homeOf(have, i) < 0 && canEnter(i))
        return move(CollectiveKind::Slice, i, -1, homeOf(want, i));
    for (unsigned i = 0; i < axes; ++i)
      if (canLeave(i) && homeOf(want, i) != homeOf(have, i) && canEnter(i))
        return move(CollectiveKind::AllToAll, i, homeOf(have, i), homeOf(want, i));
    for (unsigned i = 0; i < axes; ++i)
      if (canLeave(i))
        return move(CollectiveKind::AllGather, i, homeOf(have, i), -1);
    return false;
  }

  AxesOfDims have;
  const AxesOfDims &want;
  SmallVector<bool> isCutAlike;
  std::vector<ReshardMove> moves;
};

} // namespace

std::vector<ReshardMove> findMoves(AxesOfDims have, const AxesOfDims &want, SmallVector<bool> isCutAlike) {
  return MoveFinder(std::move(have), want, std::move(isCutAlike)).run();
}

} // namespace tenon::partition
