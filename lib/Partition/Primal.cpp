//===- Primal.cpp - Choices that fit, and better ones ---------------------===//
#include "Primal.h"

#include <algorithm>

namespace tenon::partition {

bool Primal::offer(Labels labels) {
  usage = model.usageOf(labels);
  if (!repair(labels))
    return false;
  descend(labels);
  double seconds = model.costOf(labels);
  if (seconds >= best)
    return false;
  best = seconds;
  bestLabels = std::move(labels);
  return true;
}

void Primal::take(Labels &labels, int variable, int label) {
  for (int s : model.spansOf[variable]) {
    const Span &span = model.spans[s];
    int64_t change = span.bytes[label] - span.bytes[labels[variable]];
    if (change)
      for (int t = span.first; t <= span.last; ++t)
        usage[t] += change;
  }
  labels[variable] = label;
}

/// Lowers the worst point until all fit. A change may raise another point, so the number of changes is limited.
bool Primal::repair(Labels &labels) {
  for (int changes = 4 * model.size() + 16; changes > 0; --changes) {
    int worst = 0;
    for (size_t t = 1; t < usage.size(); ++t)
      if (usage[t] - model.room[t] > usage[worst] - model.room[worst])
        worst = int(t);
    if (usage[worst] <= model.room[worst])
      return true;
    if (!changeAt(worst, labels))
      return false;
  }
  return false;
}

/// The change that costs the least for each byte that it frees at `point`.
bool Primal::changeAt(int point, Labels &labels) {
  int64_t excess = usage[point] - model.room[point];
  double bestRate = forbidden;
  int bestVariable = -1, bestLabel = 0;
  std::vector<int64_t> held;
  for (int v = 0; v < model.size(); ++v) {
    held.assign(model.labels(v), 0);
    bool lives = false;
    for (int s : model.spansOf[v])
      if (const Span &span = model.spans[s]; span.first <= point && point <= span.last) {
        lives = true;
        for (size_t l = 0; l < held.size(); ++l)
          held[l] += span.bytes[l];
      }
    if (!lives)
      continue;
    double now = model.localCost(v, labels[v], labels);
    for (int l = 0; l < model.labels(v); ++l) {
      int64_t freed = std::min(held[labels[v]] - held[l], excess);
      if (freed <= 0)
        continue;
      double rate = (model.localCost(v, l, labels) - now) / double(freed);
      if (rate < bestRate) {
        bestRate = rate;
        bestVariable = v;
        bestLabel = l;
      }
    }
  }
  if (bestVariable < 0)
    return false;
  take(labels, bestVariable, bestLabel);
  return true;
}

bool Primal::hasRoom(int variable, int from, int to) const {
  std::vector<std::pair<int, int64_t>> changes;
  for (int s : model.spansOf[variable]) {
    const Span &span = model.spans[s];
    if (int64_t change = span.bytes[to] - span.bytes[from]) {
      changes.push_back({span.first, change});
      changes.push_back({span.last + 1, -change});
    }
  }
  std::sort(changes.begin(), changes.end());
  int64_t change = 0;
  for (size_t i = 0; i + 1 < changes.size(); ++i) {
    change += changes[i].second;
    if (change > 0)
      for (int t = changes[i].first; t < changes[i + 1].first; ++t)
        if (usage[t] + change > model.room[t])
          return false;
  }
  return true;
}

/// Changes single labels while that is cheaper and fits.
void Primal::descend(Labels &labels) {
  std::vector<int> work(model.size());
  std::vector<char> waiting(model.size(), true);
  for (int v = 0; v < model.size(); ++v)
    work[v] = model.size() - 1 - v;
  for (int64_t steps = 20 * int64_t(model.size()); !work.empty() && steps > 0; --steps) {
    int v = work.back();
    work.pop_back();
    waiting[v] = false;
    double now = model.localCost(v, labels[v], labels), least = now;
    int to = labels[v];
    for (int l = 0; l < model.labels(v); ++l)
      if (double seconds = model.localCost(v, l, labels); seconds < least - 1e-12 * now && hasRoom(v, labels[v], l)) {
        least = seconds;
        to = l;
      }
    if (to == labels[v])
      continue;
    take(labels, v, to);
    for (int p : model.pairsOf[v]) {
      int other = model.pairs[p].a == v ? model.pairs[p].b : model.pairs[p].a;
      if (!waiting[other]) {
        waiting[other] = true;
        work.push_back(other);
      }
    }
  }
}

} // namespace tenon::partition
