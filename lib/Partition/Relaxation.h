//===- Relaxation.h - Memory as a price: lower bounds ---------------------===//
//
// Lagrangian relaxation: a byte at a crowded point of time costs lambda seconds, instead of being limited. For any
// lambda the minimum of price + lambda * (usage - room) is a lower bound. Subgradient steps raise it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_RELAXATION_H
#define TENON_LIB_PARTITION_RELAXATION_H

#include "Oracle.h"
#include "Primal.h"

namespace tenon::partition {

class Relaxation {
public:
  Relaxation(const Model &model, Oracle &oracle, Primal &primal)
      : model(model), oracle(oracle), primal(primal), lambda(model.room.size()), bestLambda(lambda) {}

  /// Makes steps until they stop to help, the gap is below `gap` (relative), or there were `steps`; offers what the
  /// oracle finds to the primal side.
  void run(int steps, double gap);

  /// Layers that are alike change sides together, so no multiplier makes half of them save memory. Here part of the
  /// graph has a higher multiplier than the rest, and where it ends is searched by halves; offers what comes of it.
  void interpolate();

  /// The highest bound, and the lambda of each point that gave it.
  double bound() const { return best; }
  const std::vector<double> &multipliers() const { return bestLambda; }

  /// Prices of the variables with their bytes at `multipliers`.
  static Unary weigh(const Model &model, const std::vector<double> &multipliers) {
    return weigh(model, multipliers, {});
  }
  /// What `multipliers` pay for the room that there is: to be subtracted from a minimum of `weigh`.
  static double rent(const Model &model, const std::vector<double> &multipliers);

private:
  /// The weight of each variable's bytes is multiplied by its entry of `scales`, if there are any.
  static Unary weigh(const Model &model, const std::vector<double> &multipliers, const std::vector<double> &scales);
  void step(const Labels &labels, double value, double scale);

  const Model &model;
  Oracle &oracle;
  Primal &primal;
  std::vector<double> lambda, bestLambda;
  double best = 0; // prices are at least 0
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_RELAXATION_H
