//===- Search.cpp - Branch and bound on the tables of an elimination ------===//
#include "Search.h"

#include "Relaxation.h"

#include <algorithm>

namespace tenon::partition {
namespace {

class DepthFirst {
public:
  DepthFirst(const Model &model, Elimination &elimination, Primal &primal, double gap, int64_t maxOperations)
      : model(model), elimination(elimination), primal(primal), gap(gap), operations(maxOperations),
        labels(model.size()), usage(model.room.size()), levels(model.size()) {}

  SearchResult run(const std::vector<double> &multipliers) {
    Unary unary = Relaxation::weigh(model, multipliers);
    Labels first;
    double root = elimination.minimise(unary, first) - Relaxation::rent(model, multipliers);
    if (model.size() == 0)
      return {root, true};
    double open = forbidden;
    int depth = 0;
    enter(0, root);
    while (depth >= 0) {
      Level &level = levels[depth];
      release(depth);
      if (level.next == level.options.size() || level.options[level.next].first >= goal()) {
        --depth;
        continue;
      }
      auto [value, label] = level.options[level.next++];
      if (operations <= 0) {
        open = std::min(open, value);
        --depth;
        continue;
      }
      if (!hold(depth, label))
        continue;
      if (depth + 1 == model.size()) {
        operations -= int64_t(model.size() + model.pairs.size());
        primal.accept(labels);
      } else {
        enter(++depth, value);
      }
    }
    return {std::min(open, goal()), open == forbidden};
  }

private:
  struct Level {
    std::vector<std::pair<double, int>> options; // bound, label
    size_t next = 0;
    int held = -1;
  };

  /// What is not below this need not be looked at.
  double goal() const { return primal.seconds() * (1 - gap); }
  int positionAt(int depth) const { return model.size() - 1 - depth; }

  void enter(int depth, double value) {
    Level &level = levels[depth];
    level.next = 0;
    level.held = -1;
    elimination.increments(positionAt(depth), labels, adds);
    level.options.clear();
    for (size_t l = 0; l < adds.size(); ++l)
      level.options.push_back({value + std::max(0.0, adds[l]), int(l)});
    std::sort(level.options.begin(), level.options.end());
    operations -= int64_t(adds.size()) * int64_t(model.pairsOf[elimination.variableAt(positionAt(depth))].size() + 2);
  }

  /// Takes a label; false where its memory finds no room. What is not chosen yet takes at least 0 bytes.
  bool hold(int depth, int label) {
    int v = elimination.variableAt(positionAt(depth));
    labels[v] = label;
    levels[depth].held = label;
    bool fits = true;
    for (int s : model.spansOf[v]) {
      const Span &span = model.spans[s];
      if (int64_t bytes = span.bytes[label])
        for (int t = span.first; t <= span.last; ++t)
          fits &= (usage[t] += bytes) <= model.room[t];
      operations -= span.last - span.first;
    }
    return fits;
  }

  void release(int depth) {
    int label = levels[depth].held;
    if (label < 0)
      return;
    for (int s : model.spansOf[elimination.variableAt(positionAt(depth))]) {
      const Span &span = model.spans[s];
      if (int64_t bytes = span.bytes[label])
        for (int t = span.first; t <= span.last; ++t)
          usage[t] -= bytes;
    }
    levels[depth].held = -1;
  }

  const Model &model;
  Elimination &elimination;
  Primal &primal;
  double gap;
  int64_t operations;
  Labels labels;
  std::vector<int64_t> usage;
  std::vector<Level> levels;
  std::vector<double> adds;
};

} // namespace

SearchResult search(const Model &model, Elimination &elimination, const std::vector<double> &multipliers,
                    Primal &primal, double gap, int64_t maxOperations) {
  return DepthFirst(model, elimination, primal, gap, maxOperations).run(multipliers);
}

} // namespace tenon::partition
