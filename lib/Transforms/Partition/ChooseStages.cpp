//===- ChooseStages.cpp - Where a pipeline is cut -------------------------===//
#include "ChooseStages.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace tenon::choice;

static constexpr double infinite = std::numeric_limits<double>::infinity();

/// Dynamic programming: worst[k] is the slowest of the stages so far, which end before op k. Stages are tried from
/// their end to their beginning, which only makes them slower and larger.
static std::vector<int> cut(const Chain &chain, int stages, double leastFlops, bool keepsKernels) {
  const int count = int(chain.seconds.size());
  std::vector<double> worst(count + 1, infinite);
  worst[0] = 0;
  std::vector<std::vector<int>> from; // stage by stage: where the one that ends before op k begins
  for (int stage = 0; stage < stages; ++stage) {
    std::vector<double> next(count + 1, infinite);
    std::vector<int> &begins = from.emplace_back(count + 1, -1);
    for (int end = stage + 1; end <= count - (stages - 1 - stage); ++end) {
      double seconds = 0, flops = 0;
      int64_t weights = 0, live = 0;
      for (int first = end - 1; first >= stage; --first) {
        seconds += chain.seconds[first];
        weights += chain.weights[first];
        live = std::max(live, chain.live[first]);
        flops += leastFlops > 0 ? chain.flops[first] : 0;
        if (seconds >= next[end] || weights + live > chain.capacity)
          break;
        if (flops < leastFlops || (keepsKernels && chain.isJoined[first]))
          continue;
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

std::vector<int> tenon::choice::cutStages(const Chain &chain, int stages) {
  const double fair = std::accumulate(chain.flops.begin(), chain.flops.end(), 0.0) / stages;
  for (auto [part, keepsKernels] : {std::pair(0.8, true), std::pair(0.5, true), std::pair(0.8, false),
                                    std::pair(0.5, false), std::pair(0.25, false)})
    if (std::vector<int> firsts = fair > 0 ? cut(chain, stages, part * fair, keepsKernels) : std::vector<int>();
        !firsts.empty())
      return firsts;
  std::vector<int> firsts = cut(chain, stages, 0, /*keepsKernels=*/true);
  return firsts.empty() ? cut(chain, stages, 0, /*keepsKernels=*/false) : firsts;
}
