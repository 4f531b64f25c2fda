//===- ChooseRecompute.cpp - What need not be kept for the way back -------===//
//
// A result of the way there that the way back reads may be dropped in between and computed once more: from what is kept
// anyway, through the few ops in between.
//
//===----------------------------------------------------------------------===//
#include "ChooseStrategies.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <set>

using namespace tenon;
using namespace tenon::choice;

namespace {

constexpr int64_t leastBytes = 1 << 16; ///< smaller ones are not worth it
constexpr size_t mostOps = 12;          ///< to compute once more for one result

class Recomputation {
public:
  Recomputation(const Graph &graph, PricedGraph &priced) : graph(graph), priced(priced) {}
  void run();

private:
  void findUses();
  bool collect(int op, int when, std::set<int> &cone) const;
  void allow(int op, const std::set<int> &cone);

  const Graph &graph;
  PricedGraph &priced;
  std::vector<int> lastForward, firstBackward; ///< of each forward op, by whom its result is read
  std::vector<bool> isOptional;
};

} // namespace

/// Through views and what is fused.
void Recomputation::findUses() {
  const int count = graph.forwardOps, end = int(graph.ops.size());
  lastForward.resize(count);
  firstBackward.assign(count, end);
  for (int i = 0; i < count; ++i)
    lastForward[i] = i;
  for (int i = end; i-- > 0;)
    for (const Operand &operand : graph.ops[i].operands) {
      const int p = operand.producer;
      if (p < 0 || p >= count)
        continue;
      const bool passesOn = i < count && (graph.ops[i].isView || operand.isFused);
      if (i < count)
        lastForward[p] = std::max(lastForward[p], passesOn ? lastForward[i] : i);
      if (i >= count || passesOn)
        firstBackward[p] = std::min(firstBackward[p], passesOn ? firstBackward[i] : i);
    }
}

/// The ops between what is held at `when` and the result of `op`, with that; false where they are too many.
bool Recomputation::collect(int op, int when, std::set<int> &cone) const {
  if (!cone.insert(op).second)
    return true;
  if (cone.size() > mostOps)
    return false;
  for (const Operand &operand : graph.ops[op].operands) {
    const int p = operand.producer;
    if (p < 0)
      continue;
    const bool isHeld = !graph.ops[p].isView && !graph.ops[p].resultFused[operand.result] && !isOptional[p] &&
                        priced.lastUse[p] >= when;
    if (!isHeld && !collect(p, when, cone))
      return false;
  }
  return true;
}

/// Ops of the cone are priced as they are split best: they have what they need by then, or get it as on the way there.
void Recomputation::allow(int op, const std::set<int> &cone) {
  double extra = 0;
  for (int other : cone)
    if (other != op) {
      const auto &all = priced.strategies[other];
      extra += std::min_element(all.begin(), all.end(), [](const Strategy &a, const Strategy &b) {
                 return a.compute < b.compute;
               })->compute;
    }
  std::vector<Strategy> &strategies = priced.strategies[op];
  for (size_t i = 0, count = strategies.size(); i < count; ++i) {
    Strategy again = strategies[i];
    again.isRecomputed = true;
    again.compute += again.compute + std::max(0.0, extra);
    again.reduction *= 2;
    again.name += ", recomputed";
    strategies.push_back(std::move(again));
  }
  isOptional[op] = true;
  priced.gaps[op] = {lastForward[op], firstBackward[op]};
}

void Recomputation::run() {
  findUses();
  isOptional.assign(graph.ops.size(), false);
  priced.gaps.assign(graph.ops.size(), {-1, -1});
  for (int i = 0; i < graph.forwardOps; ++i) {
    const GraphOp &op = graph.ops[i];
    if (op.isView || op.results.size() != 1 || op.resultFused[0] || firstBackward[i] >= int(graph.ops.size()) ||
        firstBackward[i] - lastForward[i] < 2 || partition::partBytes(op.results[0].shape, {}, {}) < leastBytes)
      continue;
    std::set<int> cone;
    if (collect(i, firstBackward[i], cone))
      allow(i, cone);
  }
}

void choice::allowRecomputation(const Graph &graph, PricedGraph &priced) { Recomputation(graph, priced).run(); }
