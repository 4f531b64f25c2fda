//===- Cuts.h - The places where a graph of layers can be cut -------------===//
//
// A cut is a set of layers that contains whatever follows one of them: what lies behind the place where a pipeline is
// cut. A stage is the difference of two cuts. Sums over a stage are differences of sums over cuts.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_CUTS_H
#define TENON_LIB_PARTITION_CUTS_H

#include "tenon/Partition/Stages.h"

#include <cstdint>

namespace tenon::partition {

/// A set of layers, as bits.
class LayerSet {
public:
  explicit LayerSet(size_t layers = 0) : words((layers + 63) / 64) {}
  bool contains(int layer) const { return words[layer / 64] >> (layer % 64) & 1; }
  void add(int layer) { words[layer / 64] |= uint64_t(1) << (layer % 64); }
  auto operator<=>(const LayerSet &) const = default;
  const std::vector<uint64_t> &bits() const { return words; }

private:
  std::vector<uint64_t> words;
};

struct Cuts {
  std::vector<LayerSet> sets;          ///< by size: the empty one first, all layers last
  std::vector<std::vector<int>> grown; ///< the cuts with one layer more, for each

  int size() const { return int(sets.size()); }
};

/// All cuts; none (empty) where there are more than `limit`.
Cuts findCuts(const StageProblem &problem, int limit);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_CUTS_H
