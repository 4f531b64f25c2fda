//===- JointTables.h - What stages of a chain cost ------------------------===//
//
// For a number of stages and of microbatches: the forms that a stage can take, and for each the running sums over the
// chain, so that the price of any stretch is a difference.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_JOINTTABLES_H
#define TENON_LIB_PARTITION_JOINTTABLES_H

#include "tenon/Partition/Joint.h"

#include <unordered_map>

namespace tenon::partition {

/// Prices of a stretch of blocks in one form.
struct Stretch {
  double forward = 0, input = 0, weight = 0;
  double parameters = 0, fixed = 0, kept = 0, forWeights = 0;
  double working = 0; ///< the most of any block; not a sum

  double seconds() const { return forward + input + weight; }
  double both() const { return forward + input; }
};

/// Microbatches that a stage holds at a time: forward passes without the gradient of activations; of those with it,
/// those without that of weights, before the pass and in it.
struct Demand {
  int held = 0, waiting = 0, during = 0;
};

class JointTables {
public:
  /// Stage s is on group `groups[s]`.
  JointTables(const JointProblem &problem, std::vector<int> groups, int microbatches);

  struct OfForm {
    int group = 0;
    Form form;
    std::vector<Stretch> sums;    ///< of the first i blocks; `working` of block i itself
    std::vector<double> transfer; ///< seconds of what crosses before block i
  };

  /// Blocks `first` to `last` - 1, but for `working`.
  static Stretch between(const OfForm &form, size_t first, size_t last);
  double memory(const OfForm &form) const { return problem.groups[size_t(form.group)].memory; }
  /// Gradients and optimizer of a stretch.
  double tail(size_t form, const Stretch &stretch) const;
  /// Bytes of a device when the stage holds any of `demands`.
  static double bytes(const Stretch &stretch, const std::vector<Demand> &demands);

  const JointProblem &problem;
  const std::vector<int> groups; ///< of each stage
  const int stages, microbatches;
  std::vector<OfForm> forms; ///< none: the devices cannot share a microbatch
  /// Sums over the first i blocks, each in the best form of some groups.
  struct Least {
    std::vector<double> seconds;
    std::vector<double> both; ///< of forward passes and gradients of activations
  };
  Least least;                ///< of all groups
  std::vector<Least> ofGroup; ///< of each group that has stages
  std::vector<Least> behind;  ///< of the groups of all stages from each one on
  double leastTransfer = 0;   ///< seconds between two stages, at least
  /// No plan with these numbers of stages and microbatches is faster, whatever the schedule.
  double bound() const;

private:
  double slowestStage() const;
  void addGroup(int group);
  Least leastOf(const std::vector<int> &some) const;
  void add(int group, const Form &form);
  bool isDominated(const OfForm &entry, const OfForm &other) const;

  mutable std::vector<std::unordered_map<double, double>> tails; ///< by form and parameters
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_JOINTTABLES_H
