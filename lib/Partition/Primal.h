//===- Primal.h - Choices that fit, and better ones -----------------------===//
#ifndef TENON_LIB_PARTITION_PRIMAL_H
#define TENON_LIB_PARTITION_PRIMAL_H

#include "Model.h"

namespace tenon::partition {

/// Keeps the best labels that fit; mends those that do not.
class Primal {
public:
  /// Labels that cost `limit` or more are as bad as none.
  Primal(const Model &model, double limit) : model(model), best(limit) {}

  /// Takes `labels` as they are if they fit, or else changes them one by one until they do; then improves them.
  /// Returns whether they are the best so far.
  bool offer(Labels labels);

  /// Whether anything fits so far.
  bool found() const { return !bestLabels.empty(); }
  /// Price of the best; the limit while nothing was found.
  double seconds() const { return best; }
  const Labels &labels() const { return bestLabels; }

private:
  bool repair(Labels &labels);
  void descend(Labels &labels);
  bool changeAt(int point, Labels &labels);
  void take(Labels &labels, int variable, int label);
  bool hasRoom(int variable, int from, int to) const;

  const Model &model;
  double best;
  Labels bestLabels;
  std::vector<int64_t> usage; // of the labels at work
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_PRIMAL_H
