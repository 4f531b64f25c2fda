//===- Peak.cpp - The smallest peak of memory -----------------------------===//
//
// For weights of the points that sum to 1, the smallest weighted usage is a lower bound of every peak. The weights
// follow what is crowded (multiplicative updates). Then branch and bound on a problem without prices, whose capacity
// shrinks below each peak that is found.
//
//===----------------------------------------------------------------------===//
#include "Peak.h"

#include "Bounds.h"
#include "Relaxation.h"
#include "Search.h"

#include <algorithm>
#include <cmath>

namespace tenon::partition {
namespace {

/// What may be chosen, without prices.
Problem withoutPrices(const Problem &problem) {
  Problem result = problem;
  auto clear = [](std::vector<double> &prices) {
    for (double &seconds : prices)
      seconds = seconds < forbidden ? 0 : forbidden;
  };
  for (Node &node : result.nodes)
    clear(node.seconds);
  for (Edge &edge : result.edges)
    clear(edge.seconds);
  return result;
}

/// Prices are bytes here: what is forbidden costs more than all bytes.
Model modelOfBytes(const Problem &problem) {
  Model model = makeModel(problem);
  constexpr double huge = 1e15;
  for (std::vector<double> &prices : model.unary)
    for (double &price : prices)
      price = price > 0 ? huge : 0;
  for (Pair &pair : model.pairs)
    for (double &price : pair.seconds)
      price = price > 0 ? huge : 0;
  model.huge = huge;
  return model;
}

class PeakFinder {
public:
  PeakFinder(const Problem &problem, const SolverOptions &options)
      : problem(withoutPrices(problem)), options(options), model(modelOfBytes(this->problem)),
        bounds(makeBounds(model, options)), weights(model.room.size(), 1.0 / double(model.room.size())),
        bestWeights(weights) {}

  SmallestPeak run() {
    weigh();
    if (!result.choice.empty() && bounds.elimination && result.bound < result.peak)
      branch();
    return std::move(result);
  }

private:
  int64_t heldAt(size_t t) const { return problem.capacity - model.room[t]; }

  void take(const Labels &labels) {
    if (model.costOf(labels) > 0)
      return;
    Choice choice = model.choiceOf(labels);
    std::vector<int64_t> usage = partition::usageOf(problem, choice);
    int64_t peak = *std::max_element(usage.begin(), usage.end());
    if (result.choice.empty() || peak < result.peak) {
      result.peak = peak;
      result.choice = std::move(choice);
    }
  }

  void weigh() {
    Labels labels;
    double best = -1;
    for (int i = 0; i < 60; ++i) {
      Unary unary = Relaxation::weigh(model, weights);
      double value = bounds.oracle->minimise(unary, labels);
      for (size_t t = 0; t < weights.size(); ++t)
        value += weights[t] * double(heldAt(t));
      take(labels);
      if (value > best) {
        best = value;
        bestWeights = weights;
      }
      // Rounding must not raise a bound: it is one of doubles of up to 2^53 bytes.
      result.bound = std::max(result.bound, int64_t(std::ceil(best * (1 - 1e-12))));
      if (result.choice.empty() || result.bound >= result.peak)
        return;
      std::vector<int64_t> usage = model.usageOf(labels);
      double total = 0;
      for (size_t t = 0; t < weights.size(); ++t)
        total += weights[t] *= std::exp(4 / std::sqrt(i + 1.0) * (double(usage[t] + heldAt(t)) / result.peak - 1));
      for (double &weight : weights)
        weight /= total;
    }
  }

  void branch() {
    while (true) {
      int64_t shrink = problem.capacity - (result.peak - 1);
      problem.capacity -= shrink;
      for (int64_t &room : model.room)
        room -= shrink;
      // A choice that fits costs nothing; one whose weighted excess is half a byte or more does not fit.
      Primal primal(model, 0.5);
      SearchResult done = search(model, *bounds.elimination, bestWeights, primal, 0, options.searchOperations);
      if (!primal.found()) {
        if (done.complete)
          result.bound = result.peak;
        return;
      }
      take(primal.labels());
    }
  }

  Problem problem;
  SolverOptions options;
  Model model;
  Bounds bounds;
  std::vector<double> weights, bestWeights;
  SmallestPeak result;
};

} // namespace

SmallestPeak findSmallestPeak(const Problem &problem, const SolverOptions &options) {
  return PeakFinder(problem, options).run();
}

} // namespace tenon::partition
