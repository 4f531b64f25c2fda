//===- Primal.cpp - Choices that fit, and better ones ---------------------===//
#include "Primal.h"

#include "Mix.h"

#include <algorithm>
#include <functional>

namespace tenon::partition {

bool Primal::offer(Labels labels) {
  bool mixed = found() && improve(mix(model, labels, bestLabels));
  return improve(std::move(labels)) || mixed;
}

bool Primal::improve(Labels labels) {
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

bool Primal::accept(const Labels &labels) { return model.costOf(labels) < best && improve(labels); }

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

/// Clears the worst point until all fit. Clearing one may crowd another, so the number of rounds is limited.
bool Primal::repair(Labels &labels) {
  for (int rounds = 50; rounds > 0; --rounds) {
    int worst = 0;
    for (size_t t = 1; t < usage.size(); ++t)
      if (usage[t] - model.room[t] > usage[worst] - model.room[worst])
        worst = int(t);
    if (usage[worst] <= model.room[worst])
      return true;
    if (!clear(worst, labels))
      return false;
  }
  return false;
}

/// Bytes of `variable` at `point`, for each label.
bool Primal::bytesAt(int point, int variable, std::vector<int64_t> &bytes) const {
  bytes.assign(model.labels(variable), 0);
  bool lives = false;
  for (int s : model.spansOf[variable])
    if (const Span &span = model.spans[s]; span.first <= point && point <= span.last) {
      lives = true;
      for (size_t l = 0; l < bytes.size(); ++l)
        bytes[l] += span.bytes[l];
    }
  return lives;
}

/// The change of `variable` that costs the least for each byte that it frees at `point`, of which `excess` are needed.
Primal::Change Primal::cheapestChange(int point, int variable, int64_t excess, const Labels &labels) {
  Change best{forbidden, variable, -1};
  if (!bytesAt(point, variable, bytes))
    return best;
  double now = model.localCost(variable, labels[variable], labels);
  for (int l = 0; l < model.labels(variable); ++l) {
    int64_t freed = std::min(bytes[labels[variable]] - bytes[l], excess);
    if (freed > 0)
      best = std::min(best, {(model.localCost(variable, l, labels) - now) / double(freed), variable, l});
  }
  return best;
}

/// Makes `point` fit by the cheapest changes. A change moves the price of others: what comes up is priced again.
bool Primal::clear(int point, Labels &labels) {
  auto excess = [&] { return usage[point] - model.room[point]; };
  std::vector<Change> heap;
  for (int v = 0; v < model.size(); ++v)
    if (Change change = cheapestChange(point, v, excess(), labels); change.label >= 0)
      heap.push_back(change);
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  while (excess() > 0) {
    if (heap.empty())
      return false;
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    Change old = heap.back(), change = cheapestChange(point, old.variable, excess(), labels);
    heap.pop_back();
    if (change.label < 0)
      continue;
    if (change.rate <= old.rate) {
      take(labels, change.variable, change.label);
      change = cheapestChange(point, old.variable, excess(), labels);
      if (change.label < 0)
        continue;
    }
    heap.push_back(change);
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  }
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
