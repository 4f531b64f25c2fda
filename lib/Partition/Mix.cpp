//===- Mix.cpp - The best parts of two choices ----------------------------===//
#include "Mix.h"

#include <algorithm>

namespace tenon::partition {
namespace {

class Mixer {
public:
  Mixer(const Model &model, const Labels &wanted, const Labels &fitting)
      : model(model), labels(wanted), fitting(fitting), usage(model.usageOf(wanted)) {
    findParts();
  }

  Labels run() {
    while (clearWorst()) {
    }
    // What is cheaper and needs no more room, or finds it.
    for (size_t i = 0; i < parts.size(); ++i)
      if (!parts[i].taken && parts[i].seconds < 0 && hasRoom(parts[i]))
        take(parts[i]);
    return std::move(labels);
  }

private:
  struct Part {
    std::vector<int> variables;
    double seconds = 0; ///< that taking it over costs
    bool taken = false;
  };

  void findParts() {
    std::vector<char> seen(model.size());
    for (int root = 0; root < model.size(); ++root) {
      if (seen[root] || labels[root] == fitting[root])
        continue;
      Part part;
      part.variables.push_back(root);
      seen[root] = true;
      for (size_t i = 0; i < part.variables.size(); ++i)
        for (int p : model.pairsOf[part.variables[i]]) {
          const Pair &pair = model.pairs[p];
          int other = pair.a == part.variables[i] ? pair.b : pair.a;
          if (!seen[other] && labels[other] != fitting[other]) {
            seen[other] = true;
            part.variables.push_back(other);
          }
        }
      price(part);
      parts.push_back(std::move(part));
    }
  }

  /// A pair between two variables of the part is met at both.
  void price(Part &part) {
    for (int v : part.variables) {
      part.seconds += model.unary[v][fitting[v]] - model.unary[v][labels[v]];
      for (int p : model.pairsOf[v]) {
        const Pair &pair = model.pairs[p];
        int other = pair.a == v ? pair.b : pair.a;
        double change = model.pairCost(p, v, fitting[v], fitting) - model.pairCost(p, v, labels[v], labels);
        if (pair.a == v || labels[other] == fitting[other])
          part.seconds += change;
      }
    }
  }

  int64_t freedAt(const Part &part, int point) const {
    int64_t bytes = 0;
    for (int v : part.variables)
      for (int s : model.spansOf[v])
        if (const Span &span = model.spans[s]; span.first <= point && point <= span.last)
          bytes += span.bytes[labels[v]] - span.bytes[fitting[v]];
    return bytes;
  }

  /// Takes over parts until the worst point fits. False where all points do, or nothing helps.
  bool clearWorst() {
    size_t worst = 0;
    for (size_t t = 1; t < usage.size(); ++t)
      if (usage[t] - model.room[t] > usage[worst] - model.room[worst])
        worst = t;
    std::vector<std::pair<double, size_t>> order;
    for (size_t i = 0; i < parts.size(); ++i)
      if (!parts[i].taken)
        if (int64_t freed = freedAt(parts[i], int(worst)); freed > 0)
          order.push_back({parts[i].seconds / double(freed), i});
    std::sort(order.begin(), order.end());
    bool helped = false;
    for (auto [rate, i] : order) {
      if (usage[worst] <= model.room[worst])
        break;
      take(parts[i]);
      helped = true;
    }
    return helped;
  }

  bool hasRoom(const Part &part) {
    change(part, 1);
    bool fits = true;
    for (size_t t = 0; t < usage.size(); ++t)
      fits &= usage[t] <= model.room[t];
    change(part, -1);
    return fits;
  }

  void change(const Part &part, int sign) {
    for (int v : part.variables)
      for (int s : model.spansOf[v]) {
        const Span &span = model.spans[s];
        if (int64_t bytes = sign * (span.bytes[fitting[v]] - span.bytes[labels[v]]))
          for (int t = span.first; t <= span.last; ++t)
            usage[t] += bytes;
      }
  }

  void take(Part &part) {
    change(part, 1);
    for (int v : part.variables)
      labels[v] = fitting[v];
    part.taken = true;
  }

  const Model &model;
  Labels labels;
  const Labels &fitting;
  std::vector<int64_t> usage;
  std::vector<Part> parts;
};

} // namespace

Labels mix(const Model &model, const Labels &wanted, const Labels &fitting) {
  return Mixer(model, wanted, fitting).run();
}

} // namespace tenon::partition
