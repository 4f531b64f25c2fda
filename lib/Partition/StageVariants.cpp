//===- StageVariants.cpp - Variants of a stage that fit into memory -------===//
#include "StageVariants.h"

#include <algorithm>
#include <limits>

namespace tenon::partition {
namespace {

/// A change of a layer's variant that saves memory.
struct Change {
  double rate = 0; ///< seconds for each byte
  double seconds = 0, saves = 0;
  size_t layer = 0;
  int from = 0, to = 0;
};

double bytesOf(const Variant &variant, double inFlight) { return variant.perBatch * inFlight + variant.fixed; }

/// The changes from the fastest variant along the lower convex hull of (bytes, seconds): rates grow along it.
void addChanges(const std::vector<Variant> &variants, size_t layer, double inFlight, std::vector<Change> &changes) {
  int at = fastestVariant(variants);
  while (true) {
    Change best;
    best.layer = layer;
    best.from = at;
    for (int l = 0; l < int(variants.size()); ++l) {
      double saves = bytesOf(variants[at], inFlight) - bytesOf(variants[l], inFlight);
      double seconds = variants[l].seconds - variants[at].seconds;
      if (saves > 0 && (best.saves == 0 || seconds / saves < best.rate)) {
        best.rate = seconds / saves;
        best.seconds = seconds;
        best.saves = saves;
        best.to = l;
      }
    }
    if (best.saves == 0)
      return;
    changes.push_back(best);
    at = best.to;
  }
}

/// Branch and bound (Horowitz and Sahni 1974) on the changes that are not made: they keep their seconds, and may hold
/// the bytes that need not be saved. Changes in descending order of rate, one for each layer.
class KeptChanges {
public:
  /// `best`: seconds that a known choice keeps.
  KeptChanges(std::vector<Change> list, double room, double best)
      : changes(std::move(list)), keeps(changes.size()), room(room), best(best) {}

  /// Looks for a choice that keeps more; false where `steps` backtracks do not decide.
  bool run(int steps) {
    size_t at = 0;
    while (true) {
      if (kept + bound(at) > best * (1 + 1e-12)) {
        for (; at < changes.size(); ++at)
          set(at, changes[at].saves <= room);
        if (kept > best) {
          best = kept;
          bestKeeps = keeps;
        }
      }
      while (at > 0 && !keeps[at - 1])
        --at;
      if (at == 0)
        return true;
      if (--steps < 0)
        return false;
      set(at - 1, false);
    }
  }

  /// Whether each change is kept; empty where none is better than the known one.
  std::vector<char> bestKeeps;

private:
  void set(size_t i, bool keep) {
    if (keep == bool(keeps[i]))
      return;
    keeps[i] = keep;
    room += keep ? -changes[i].saves : changes[i].saves;
    kept += keep ? changes[i].seconds : -changes[i].seconds;
  }

  /// What the changes from `i` on can keep at most: the linear relaxation.
  double bound(size_t i) const {
    double rest = room, seconds = 0;
    for (; i < changes.size() && changes[i].saves <= rest; ++i) {
      rest -= changes[i].saves;
      seconds += changes[i].seconds;
    }
    return i < changes.size() ? seconds + rest * changes[i].rate : seconds;
  }

  std::vector<Change> changes;
  std::vector<char> keeps;
  double room, best, kept = 0;
};

/// Raises the bound of `choice` to its seconds, or finds a better one, where few steps suffice. `changes` are all there
/// are.
void decide(std::vector<Change> changes, double need, VariantChoice &choice) {
  double all = 0, room = -need;
  std::vector<char> seen(choice.variants.size());
  for (const Change &change : changes) {
    if (seen[change.layer])
      return; // several changes of one layer
    seen[change.layer] = true;
    all += change.seconds;
    room += change.saves;
  }
  std::reverse(changes.begin(), changes.end());
  KeptChanges search(changes, room, all - choice.seconds);
  if (!search.run(500))
    return;
  if (!search.bestKeeps.empty()) {
    choice.seconds = 0;
    for (size_t i = 0; i < changes.size(); ++i) {
      choice.variants[changes[i].layer] = search.bestKeeps[i] ? changes[i].from : changes[i].to;
      choice.seconds += search.bestKeeps[i] ? 0 : changes[i].seconds;
    }
  }
  choice.bound = std::max(choice.bound, choice.seconds * (1 - 1e-9));
}

} // namespace

int fastestVariant(const std::vector<Variant> &variants) {
  return int(std::min_element(variants.begin(), variants.end(),
                              [](const Variant &a, const Variant &b) { return a.seconds < b.seconds; }) -
             variants.begin());
}

VariantChoice chooseVariants(const StageProblem &problem, const std::vector<int> &layers, int tensor, double inFlight,
                             double memory) {
  VariantChoice result;
  std::vector<Change> changes;
  double excess = -memory;
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::vector<Variant> &variants = problem.layers[layers[i]].variants.at(tensor);
    result.variants.push_back(fastestVariant(variants));
    excess += bytesOf(variants[result.variants.back()], inFlight);
    addChanges(variants, i, inFlight, changes);
  }
  if (excess <= 0)
    return result;
  double need = excess;
  std::sort(changes.begin(), changes.end(),
            [](const Change &a, const Change &b) { return a.rate != b.rate ? a.rate < b.rate : a.layer < b.layer; });
  result.seconds = result.bound = std::numeric_limits<double>::infinity();
  double seconds = 0; // of the changes before
  size_t bestPrefix = 0, bestLast = 0;
  std::vector<int> at = result.variants;
  for (size_t i = 0; i < changes.size() && need > 0; ++i) {
    // One more of the rest may suffice.
    for (size_t k = i; k < changes.size(); ++k)
      if (changes[k].saves >= need && at[changes[k].layer] == changes[k].from &&
          seconds + changes[k].seconds < result.seconds) {
        result.seconds = seconds + changes[k].seconds;
        bestPrefix = i;
        bestLast = k;
      }
    if (changes[i].saves >= need)
      result.bound = seconds + changes[i].rate * need;
    need -= changes[i].saves;
    seconds += changes[i].seconds;
    at[changes[i].layer] = changes[i].to;
  }
  if (need > 0) {
    result.variants.clear();
    return result;
  }
  for (size_t i = 0; i < bestPrefix; ++i)
    result.variants[changes[i].layer] = changes[i].to;
  result.variants[changes[bestLast].layer] = changes[bestLast].to;
  if (result.bound < result.seconds)
    decide(std::move(changes), excess, result);
  return result;
}

} // namespace tenon::partition
