//===- StageSearch.cpp - Pipeline stages: the answer ----------------------===//
//
// For a time that no stage may exceed: which cuts can be reached from behind, with how many devices? A state is a cut
// with (devices, copies) so far; fewer of both is better, so each cut keeps those that no other beats. The time is then
// halved towards the smallest one for which all layers are reached. A time that fails is a lower bound of every plan,
// unless a knapsack was left undecided on the way; then the search is repeated with those taken as fitting.
//
//===----------------------------------------------------------------------===//
#include "Cuts.h"
#include "StageVariants.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace tenon::partition {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Sums over the layers of each cut, for one tensor-parallel degree, with the fastest variants.
struct Sums {
  int tensor = 1;
  std::vector<int> missing; ///< layers that have no variant of the degree
  std::vector<double> seconds, synchronise, perBatch, fixed;
  std::vector<double> in, out;     ///< seconds of flows into the cut from before it, at their heads and at their tails
  std::vector<double> flowSeconds; ///< of each flow, both ends
  std::map<int, std::vector<double>> least; ///< the smallest bytes of any variants, for a number of batches in flight
};

class StageSearch {
public:
  StageSearch(const StageProblem &problem, const StageOptions &options, Cuts found)
      : problem(problem), options(options), cuts(std::move(found)), states(cuts.size()), stamp(cuts.size(), -1) {
    for (int d = 1; d <= std::min(problem.devices, problem.microBatches); ++d)
      if (problem.microBatches % d == 0)
        degrees.push_back(d);
    findBoundaries();
    std::set<int> tensors;
    for (const Layer &layer : problem.layers)
      for (const auto &[tensor, variants] : layer.variants)
        if (tensor <= problem.devices)
          tensors.insert(tensor);
    for (int tensor : tensors)
      sums.push_back(sumsOf(tensor));
    findWork();
  }

  StagePlan run() {
    plan.cuts = cuts.size();
    plan.bound = work[0] / problem.devices;
    plan.seconds = infinite;
    attempt(infinite);
    double low = plan.bound;
    while (!plan.stages.empty() && plan.seconds - low > options.gap * plan.seconds) {
      double time = plan.seconds > 2 * low && low > 0 ? std::sqrt(plan.seconds * low) : (plan.seconds + low) / 2;
      if (time >= plan.seconds || time <= low)
        break;
      if (!attempt(time))
        low = time;
      else if (plan.seconds > time * (1 + 1e-9))
        break; // rounding: what was found is not better
    }
    if (!plan.stages.empty())
      prove(low);
    return std::move(plan);
  }

private:
  struct State {
    int devices, copies;
    int cut, before; ///< where the stage was added: its other cut, and the state there
    int tensor, data;
  };

  /// A stage without its variants: what lies between two cuts.
  struct Span {
    Sums &sums;
    int from, to;
    double seconds, synchronise; ///< a copy alone; what copies add, times (d - 1) / d
    double at(int data) const { return seconds / data + synchronise * (data - 1) / data; }
  };

  void findBoundaries() {
    boundary.resize(cuts.size());
    for (int c = 0; c < cuts.size(); ++c)
      for (size_t f = 0; f < problem.flows.size(); ++f)
        if (cuts.sets[c].contains(problem.flows[f].to) && !cuts.sets[c].contains(problem.flows[f].from))
          boundary[c].push_back(int(f));
  }

  template <typename Value>
  std::vector<double> sumOverLayers(Value value) const {
    std::vector<double> each(problem.layers.size()), result(cuts.size());
    for (size_t v = 0; v < each.size(); ++v)
      each[v] = value(int(v));
    for (int c = 0; c < cuts.size(); ++c)
      for (size_t v = 0; v < each.size(); ++v)
        if (cuts.sets[c].contains(int(v)))
          result[c] += each[v];
    return result;
  }

  const std::vector<Variant> *variantsOf(int layer, int tensor) const {
    auto found = problem.layers[layer].variants.find(tensor);
    return found == problem.layers[layer].variants.end() ? nullptr : &found->second;
  }

  Sums sumsOf(int tensor) const {
    Sums result;
    result.tensor = tensor;
    auto sum = [&](auto member) {
      return sumOverLayers([&](int v) {
        const std::vector<Variant> *variants = variantsOf(v, tensor);
        return variants ? (*variants)[fastestVariant(*variants)].*member : 0;
      });
    };
    result.seconds = sum(&Variant::seconds);
    result.synchronise = sum(&Variant::parameterBytes);
    for (double &seconds : result.synchronise)
      seconds *= 4.0 / problem.microBatches / problem.bandwidth;
    result.perBatch = sum(&Variant::perBatch);
    result.fixed = sum(&Variant::fixed);
    std::vector<double> missing = sumOverLayers([&](int v) { return variantsOf(v, tensor) ? 0 : 1; });
    result.missing.assign(missing.begin(), missing.end());
    auto gather = [&](const std::map<int, double> &bytes) {
      auto found = bytes.find(tensor);
      return found == bytes.end() ? 0 : found->second;
    };
    result.in.resize(cuts.size());
    result.out.resize(cuts.size());
    for (int c = 0; c < cuts.size(); ++c)
      for (int f : boundary[c]) {
        const Flow &flow = problem.flows[f];
        result.in[c] += 2 * (flow.bytes + gather(flow.gatherForward)) / problem.bandwidth;
        result.out[c] += 2 * (flow.bytes + gather(flow.gatherBackward)) / problem.bandwidth;
      }
    for (const Flow &flow : problem.flows)
      result.flowSeconds.push_back(2 * (2 * flow.bytes + gather(flow.gatherForward) + gather(flow.gatherBackward)) /
                                   problem.bandwidth);
    return result;
  }

  /// Seconds of devices that the layers outside of each cut take at least.
  void findWork() {
    std::vector<double> inside = sumOverLayers([&](int v) {
      double least = infinite;
      for (const auto &[tensor, variants] : problem.layers[v].variants)
        if (tensor <= problem.devices)
          least = std::min(least, tensor * variants[fastestVariant(variants)].seconds);
      return least < infinite ? least : 0;
    });
    for (double seconds : inside)
      work.push_back(inside.back() - seconds);
  }

  /// Whether a plan within `time` was found; keeps it. `optimistic` takes undecided knapsacks as fitting, keeps
  /// nothing.
  bool attempt(double time, bool optimistic = false) {
    ++plan.rounds;
    undecided = false;
    limit = time;
    hopes = optimistic;
    pool.assign(1, {0, 0, -1, -1, 0, 0});
    for (std::vector<int> &list : states)
      list.clear();
    states[0] = {0};
    std::fill(stamp.begin(), stamp.end(), -1);
    for (int c = 0; c + 1 < cuts.size(); ++c)
      if (!states[c].empty())
        grow(c);
    if (!states.back().empty()) {
      if (!optimistic)
        keep(states.back().front());
      return true;
    }
    if (!undecided)
      plan.bound = std::max(plan.bound, time);
    return false;
  }

  double needed(int cut) const { return work[cut] / limit * (1 - 1e-9); }

  /// Adds every stage that begins behind at `from`.
  void grow(int from) {
    State fewest = pool[states[from].front()]; // of each, not at once
    for (int s : states[from]) {
      fewest.devices = std::min(fewest.devices, pool[s].devices);
      fewest.copies = std::min(fewest.copies, pool[s].copies);
    }
    if (fewest.devices + needed(from) > problem.devices)
      return;
    std::vector<int> queue = cuts.grown[from];
    for (int to : queue)
      stamp[to] = from;
    for (size_t i = 0; i < queue.size(); ++i) {
      if (!tryStage(from, queue[i], fewest))
        continue; // nor is there a larger one
      for (int larger : cuts.grown[queue[i]])
        if (stamp[larger] != from) {
          stamp[larger] = from;
          queue.push_back(larger);
        }
    }
  }

  /// False where this stage, and so every larger one, is too slow or too large even without its flows.
  bool tryStage(int from, int to, const State &fewest) {
    bool possible = false;
    for (Sums &sums : this->sums) {
      if (sums.missing[to] != sums.missing[from])
        continue;
      Span span{sums, from, to, sums.seconds[to] - sums.seconds[from], sums.synchronise[to] - sums.synchronise[from]};
      size_t first = firstDegree(span, 0, fewest.devices);
      if (first == degrees.size() || leastBytes(sums, 1, from, to) > problem.memory)
        continue;
      possible = true;
      State best{fewest.devices + degrees[first] * sums.tensor, fewest.copies + degrees[first], 0, 0, 0, 0};
      if (best.devices + needed(to) > problem.devices || isBeaten(to, best))
        continue;
      span.seconds += crossing(sums, from, to);
      first = firstDegree(span, first, fewest.devices);
      if (first < degrees.size())
        extend(span, first);
    }
    return possible;
  }

  /// The first degree of data parallelism, from index `i` on, for which the stage is fast enough.
  size_t firstDegree(const Span &span, size_t i, int fewest) const {
    for (; i < degrees.size() && fewest + degrees[i] * span.sums.tensor <= problem.devices; ++i)
      if (span.at(degrees[i]) <= limit)
        return i;
    return degrees.size();
  }

  double crossing(const Sums &sums, int from, int to) const {
    double seconds = sums.out[from] + sums.in[to];
    for (int f : boundary[from]) // past the stage
      if (!cuts.sets[to].contains(problem.flows[f].from))
        seconds -= sums.flowSeconds[f];
    return seconds;
  }

  void extend(const Span &span, size_t first) {
    for (size_t i = 0; i < states[span.from].size(); ++i) {
      int before = states[span.from][i];
      for (size_t k = first; k < degrees.size(); ++k) {
        int data = degrees[k];
        State state{pool[before].devices + data * span.sums.tensor,
                    pool[before].copies + data,
                    span.from,
                    before,
                    span.sums.tensor,
                    data};
        if (state.devices + needed(span.to) > problem.devices || state.copies > problem.microBatches ||
            isBeaten(span.to, state))
          break; // more copies take more of both
        if (span.at(data) > limit || !fits(span, data, state.copies))
          continue;
        insert(span.to, state);
        break;
      }
    }
  }

  bool isBeaten(int cut, const State &state) const {
    for (int s : states[cut])
      if (pool[s].devices <= state.devices && pool[s].copies <= state.copies)
        return true;
    return false;
  }

  void insert(int cut, const State &state) {
    std::erase_if(states[cut],
                  [&](int s) { return state.devices <= pool[s].devices && state.copies <= pool[s].copies; });
    states[cut].push_back(int(pool.size()));
    pool.push_back(state);
  }

  double leastBytes(Sums &sums, int inFlight, int from, int to) {
    std::vector<double> &bytes = sums.least[inFlight];
    if (bytes.empty())
      bytes = sumOverLayers([&](int v) {
        double least = infinite;
        if (const std::vector<Variant> *variants = variantsOf(v, sums.tensor))
          for (const Variant &variant : *variants)
            least = std::min(least, variant.perBatch * inFlight + variant.fixed);
        return least < infinite ? least : 0;
      });
    return (bytes[to] - bytes[from]) * (1 - 1e-12);
  }

  /// Sums round; `evaluate` allows for twice as much.
  double usableMemory() const { return problem.memory * (1 + 5e-13); }

  bool fits(const Span &span, int data, int copies) {
    int inFlight = (copies + data - 1) / data;
    Sums &sums = span.sums;
    double bytes =
        (sums.perBatch[span.to] - sums.perBatch[span.from]) * inFlight + sums.fixed[span.to] - sums.fixed[span.from];
    if (bytes <= usableMemory())
      return true;
    if (leastBytes(sums, inFlight, span.from, span.to) > problem.memory)
      return false;
    auto [place, isNew] = knapsacks.try_emplace({span.from, span.to, sums.tensor, inFlight});
    if (isNew) {
      VariantChoice choice =
          chooseVariants(problem, layersOf(span.from, span.to), sums.tensor, inFlight, usableMemory());
      place->second = {choice.bound, choice.seconds};
    }
    auto [bound, seconds] = place->second;
    double slack = (limit - span.at(data)) * data;
    if (bound <= slack && seconds > slack)
      undecided |= !hopes;
    return (hopes ? bound : seconds) <= slack;
  }

  std::vector<int> layersOf(int from, int to) const {
    std::vector<int> layers;
    for (int v = 0; v < int(problem.layers.size()); ++v)
      if (cuts.sets[to].contains(v) && !cuts.sets[from].contains(v))
        layers.push_back(v);
    return layers;
  }

  void keep(int last) {
    std::vector<Stage> stages;
    for (int s = last, to = cuts.size() - 1; s > 0; to = pool[s].cut, s = pool[s].before) {
      const State &state = pool[s];
      Stage stage{layersOf(state.cut, to), {}, state.data, state.tensor};
      int inFlight = (state.copies + state.data - 1) / state.data;
      stage.variants = chooseVariants(problem, stage.layers, stage.tensor, inFlight, usableMemory()).variants;
      stages.push_back(std::move(stage));
    }
    double seconds = evaluate(problem, stages);
    if (seconds < plan.seconds) {
      plan.seconds = seconds;
      plan.stages = std::move(stages);
    }
  }

  /// Raises the bound where undecided knapsacks kept it below `low`, the largest time without a plan.
  void prove(double low) {
    double high = low;
    if (plan.bound < low && !attempt(low, true))
      return;
    for (int i = 0; i < 20 && high - plan.bound > 5e-4 * high; ++i) {
      double time = (high + plan.bound) / 2;
      if (attempt(time, true))
        high = time;
    }
  }

  const StageProblem &problem;
  StageOptions options;
  Cuts cuts;
  std::vector<Sums> sums;
  std::vector<int> degrees;
  std::vector<std::vector<int>> boundary; ///< flows into each cut
  std::vector<double> work;
  std::vector<State> pool;
  std::vector<std::vector<int>> states; ///< of each cut, in the pool
  std::vector<int> stamp;               ///< the last cut that each was reached from
  /// Bound and seconds of the variants of a stage that fit; by both cuts, degree, and batches in flight.
  std::map<std::array<int, 4>, std::pair<double, double>> knapsacks;
  double limit = 0;
  bool hopes = false, undecided = false;
  StagePlan plan;
};

} // namespace

Expected<StagePlan> planStages(const StageProblem &problem, const StageOptions &options) {
  TENON_RETURN_IF_ERROR(check(problem));
  Cuts cuts = findCuts(problem, options.maxCuts);
  if (cuts.sets.empty())
    return Status::error("TN4004", "the graph can be cut in more than " + std::to_string(options.maxCuts) + " ways", {},
                         "join layers that belong together");
  return StageSearch(problem, options, std::move(cuts)).run();
}

} // namespace tenon::partition
