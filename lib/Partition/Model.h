//===- Model.h - The problem as the solver works on it --------------------===//
//
// A variable for each node or group of nodes, a label for each strategy that may still be best: pins are applied,
// strategies that another one beats in every context are gone, edges between the same two variables are one, memory
// that is held whatever is chosen is subtracted from the room. Prices are finite: what is forbidden costs `huge`, which
// is more than any choice without it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_MODEL_H
#define TENON_LIB_PARTITION_MODEL_H

#include "tenon/Partition/Problem.h"

namespace tenon::partition {

using Labels = std::vector<int>;
/// Price of each label of each variable.
using Unary = std::vector<std::vector<double>>;

/// The price of the labels of two variables, a < b: [label of a * labels of b + label of b].
struct Pair {
  int a = 0, b = 0;
  std::vector<double> seconds;
};

/// Memory that a variable's label decides.
struct Span {
  int variable = 0;
  int first = 0, last = 0;
  std::vector<int64_t> bytes; ///< for each label; the smallest is 0
};

struct Model {
  Unary unary;
  std::vector<Pair> pairs;
  std::vector<Span> spans;
  std::vector<std::vector<int>> pairsOf, spansOf; ///< indices, for each variable
  std::vector<int64_t> room;                      ///< what the spans may take at each point; may be negative
  double huge = 1;
  std::vector<int> variableOf;            ///< for each node
  std::vector<std::vector<int>> strategy; ///< of each label of each variable
  int conflict = -1;                      ///< a node that pins and groups leave no strategy, or -1

  int size() const { return int(unary.size()); }
  int labels(int variable) const { return int(unary[variable].size()); }
  /// Seconds of pair `p` where `variable` takes `label` and the other end is as in `labels`.
  double pairCost(int p, int variable, int label, const Labels &labels) const {
    const Pair &pair = pairs[p];
    int columns = int(unary[pair.b].size());
    return pair.a == variable ? pair.seconds[label * columns + labels[pair.b]]
                              : pair.seconds[labels[pair.a] * columns + label];
  }
  /// Seconds of `variable` at `label` with all its pairs.
  double localCost(int variable, int label, const Labels &labels) const {
    double seconds = unary[variable][label];
    for (int p : pairsOf[variable])
      seconds += pairCost(p, variable, label, labels);
    return seconds;
  }
  double costOf(const Labels &labels) const;
  /// Bytes of the spans at each point.
  std::vector<int64_t> usageOf(const Labels &labels) const;
  /// Whether the spans find room at every point.
  bool fits(const Labels &labels) const;
  Choice choiceOf(const Labels &labels) const;
};

/// The model of a well-formed problem. Where `reduce` is false no strategy is dropped but by pins; dropping keeps one
/// optimal choice, but not every choice of smallest peak.
Model makeModel(const Problem &problem, bool reduce = true);

/// Drops labels that another one beats whatever the neighbours take: no more seconds, no more bytes of any span.
void dropDominated(Model &model);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_MODEL_H
