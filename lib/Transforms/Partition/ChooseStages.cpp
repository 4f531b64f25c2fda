//===- ChooseStages.cpp - Where a pipeline is cut -------------------------===//
#include "ChooseStages.h"

#include <algorithm>
#include <limits>

using namespace tenon::choice;

static constexpr double infinite = std::numeric_limits<double>::infinity();

/// Dynamic programming: worst[k] is the slowest of the stages so far, which end before op k. Stages are tried from
/// their end to their beginning, which only makes them slower and larger.
std::vector<int> tenon::choice::cutStages(const Chain &chain, int stages) {
  const int count = int(chain.seconds.size());
  std::vector<double> worst(count + 1, infinite);
  worst[0] = 0;
  std::vector<std::vector<int>> from; // stage by stage: where the one that ends before op k begins
  for (int stage = 0; stage < stages; ++stage) {
    std::vector<double> next(count + 1, infinite);
    std::vector<int> &begins = from.emplace_back(count + 1, -1);
    for (int end = stage + 1; end <= count - (stages - 1 - stage); ++end) {
      double seconds = 0;
      int64_t weights = 0, live = 0;
      for (int first = end - 1; first >= stage; --first) {
        seconds += chain.seconds[first];
        weights += chain.weights[first];
        live = std::max(live, chain.live[first]);
        if (seconds >= next[end] || weights + live > chain.capacity)
          break;
        const double slowest = std::max(worst[first], seconds + (first > 0 ? chain.entry[first] : 0));
        if (slowest < next[end]) {
          next[end] = slowest;
          begins[end] = first;
        }
      }
    }
    worst = std::move(next);
  }
  std::vector<int> firsts;
  for (int stage = stages, end = count; stage-- > 0; end = firsts.front()) {
    if (from[stage][end] < 0)
      return {};
    firsts.insert(firsts.begin(), from[stage][end]);
  }
  return firsts;
}
