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

  /// Mends `labels` until they fit: with parts of the best so far, and by changing them one by one; then improves them.
  /// Returns whether they are the best so far.
  bool offer(Labels labels);

  /// Takes `labels` if they are better already, without trying to mend them.
  bool accept(const Labels &labels);

  /// Whether anything fits so far.
  bool found() const { return !bestLabels.empty(); }
  /// Price of the best; the limit while nothing was found.
  double seconds() const { return best; }
  const Labels &labels() const { return bestLabels; }

private:
  struct Change {
    double rate; ///< seconds for each byte
    int variable, label;
    auto operator<=>(const Change &) const = default;
  };

  bool improve(Labels labels);
  bool repair(Labels &labels);
  void descend(Labels &labels);
  bool clear(int point, Labels &labels);
  bool bytesAt(int point, int variable, std::vector<int64_t> &bytes) const;
  Change cheapestChange(int point, int variable, int64_t excess, const Labels &labels);
  void take(Labels &labels, int variable, int label);
  bool hasRoom(int variable, int from, int to) const;

  const Model &model;
  double best;
  Labels bestLabels;
  std::vector<int64_t> usage; // of the labels at work
  std::vector<int64_t> bytes; // scratch
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_PRIMAL_H
