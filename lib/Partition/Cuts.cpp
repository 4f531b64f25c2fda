//===- Cuts.cpp - The places where a graph of layers can be cut -----------===//
#include "Cuts.h"

#include <map>

namespace tenon::partition {

Cuts findCuts(const StageProblem &problem, int limit) {
  int count = int(problem.layers.size());
  std::vector<std::vector<int>> next(count);
  for (const Flow &flow : problem.flows)
    next[flow.from].push_back(flow.to);
  Cuts cuts;
  cuts.sets.emplace_back(count);
  // Size after size: all cuts of a size are found before the first of the next.
  std::map<LayerSet, int> known; // of the next size
  size_t levelEnd = 1;
  for (size_t i = 0; i < cuts.sets.size(); ++i) {
    if (i == levelEnd) {
      known.clear();
      levelEnd = cuts.sets.size();
    }
    cuts.grown.emplace_back();
    for (int v = 0; v < count; ++v) {
      if (cuts.sets[i].contains(v))
        continue;
      bool closed = true;
      for (int to : next[v])
        closed &= cuts.sets[i].contains(to);
      if (!closed)
        continue;
      LayerSet larger = cuts.sets[i];
      larger.add(v);
      auto [place, isNew] = known.try_emplace(larger, int(cuts.sets.size()));
      cuts.grown[i].push_back(place->second);
      if (!isNew)
        continue;
      if (int(cuts.sets.size()) >= limit)
        return {};
      cuts.sets.push_back(std::move(larger));
    }
  }
  return cuts;
}

} // namespace tenon::partition
