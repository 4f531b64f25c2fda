//===- Exhaustive.cpp - Every choice, one after the other -----------------===//
//
// Node after node, with the price and the memory of the choice so far. Prices and sizes are at least 0, so a branch is
// left where it is no better than the best in both respects: in price (or it does not fit already) and in peak.
//
//===----------------------------------------------------------------------===//
#include "tenon/Partition/Exhaustive.h"

#include <algorithm>

namespace tenon::partition {
namespace {

class Enumeration {
public:
  explicit Enumeration(const Problem &problem)
      : problem(problem), allowed(problem.nodes.size()), edgesOf(problem.nodes.size()), choice(problem.nodes.size()),
        usage(problem.points) {
    for (size_t i = 0; i < problem.nodes.size(); ++i)
      allowed[i].assign(problem.nodes[i].seconds.size(), true);
    for (const Pin &pin : problem.pins)
      for (size_t s = 0; s < allowed[pin.node].size(); ++s)
        allowed[pin.node][s] = allowed[pin.node][s] && int(s) == pin.strategy;
    for (const Edge &edge : problem.edges)
      edgesOf[std::max(edge.producer, edge.consumer)].push_back(&edge);
  }

  Exhausted run() {
    visit(0, 0);
    return std::move(best);
  }

private:
  void visit(int node, double seconds) {
    int64_t peak = *std::max_element(usage.begin(), usage.end());
    bool cheaper = seconds < best.seconds && peak <= problem.capacity;
    bool lower = seconds < forbidden && (best.smallestPeak < 0 || peak < best.smallestPeak);
    if (!cheaper && !lower)
      return;
    if (node == int(problem.nodes.size())) {
      if (cheaper) {
        best.choice = choice;
        best.seconds = seconds;
      }
      if (lower)
        best.smallestPeak = peak;
      return;
    }
    for (int s = 0; s < int(problem.nodes[node].seconds.size()); ++s)
      if (allowed[node][s] && agrees(node, s)) {
        choice[node] = s;
        hold(node, s, 1);
        visit(node + 1, seconds + priceOf(node));
        hold(node, s, -1);
      }
  }

  bool agrees(int node, int strategy) const {
    for (const std::vector<int> &group : problem.groups)
      if (std::find(group.begin(), group.end(), node) != group.end())
        for (int other : group)
          if (other < node && choice[other] != strategy)
            return false;
    return true;
  }

  double priceOf(int node) const {
    double seconds = problem.nodes[node].seconds[choice[node]];
    for (const Edge *edge : edgesOf[node])
      seconds +=
          edge->seconds[choice[edge->producer] * problem.nodes[edge->consumer].seconds.size() + choice[edge->consumer]];
    return seconds;
  }

  void hold(int node, int strategy, int sign) {
    for (const Tensor &tensor : problem.nodes[node].tensors)
      for (int t = tensor.first; t <= tensor.last; ++t)
        usage[t] += sign * tensor.bytes[strategy];
  }

  const Problem &problem;
  std::vector<std::vector<char>> allowed;
  std::vector<std::vector<const Edge *>> edgesOf; // to nodes before
  Choice choice;
  std::vector<int64_t> usage;
  Exhausted best;
};

} // namespace

Exhausted exhaust(const Problem &problem) { return Enumeration(problem).run(); }

} // namespace tenon::partition
