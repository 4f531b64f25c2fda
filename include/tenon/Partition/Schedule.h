//===- Schedule.h - In which order the stages of a pipeline work ----------===//
//
// A batch is cut into microbatches that go forward through all stages and back. A schedule lists the passes of every
// stage in order; `simulate` says when each runs, so that schedules are compared by what they cost and not by closed
// forms. GPipe: Huang et al., NeurIPS 2019. 1F1B and its interleaved form: Narayanan et al., SC 2021. Zero-bubble H1
// and H2, which put off the gradients of weights: Qi et al., ICLR 2024.
//
// Times are seconds. Everything is deterministic, and a pure function of its arguments.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_SCHEDULE_H
#define TENON_PARTITION_SCHEDULE_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <vector>

namespace tenon::partition {

/// What one microbatch takes on one chunk of layers.
struct PassSeconds {
  double forward = 0;
  double backwardInput = 0;  ///< gradient of the activations, which the stage before waits for
  double backwardWeight = 0; ///< gradient of the weights, which nobody waits for until the step ends
};

/// A pipeline. Chunk c of stage s is the (c * stages + s)-th part of the model: with several chunks a microbatch visits
/// every stage several times.
struct Pipeline {
  int stages = 1;
  int chunks = 1;
  int microbatches = 1;
  std::vector<PassSeconds> times; ///< of each chunk of each stage: stages * chunks, in the order of the model
  double transferSeconds = 0;     ///< from the end of a pass until the next stage may begin; does not occupy a stage

  int parts() const { return stages * chunks; }
};

enum class PassKind : uint8_t {
  Forward,
  Backward,       ///< both gradients
  BackwardInput,  ///< the gradient of the activations alone
  BackwardWeight, ///< what BackwardInput left
};

struct Pass {
  PassKind kind;
  int microbatch;
  int chunk = 0;
  bool operator==(const Pass &) const = default;
};

/// The passes of each stage, in order.
using Schedule = std::vector<std::vector<Pass>>;

/// All forward passes, then all backward passes.
Schedule gpipe(const Pipeline &pipeline);
/// Stage s holds at most stages - s microbatches.
Schedule oneForwardOneBackward(const Pipeline &pipeline);
/// 1F1B over several chunks a stage. TN4011 where the microbatches are not a multiple of the stages.
Expected<Schedule> interleaved(const Pipeline &pipeline);
/// Zero-bubble H1 (`depth` 1: the memory of 1F1B) and H2 (`depth` 2: twice that). One chunk a stage.
Schedule zeroBubble(const Pipeline &pipeline, int depth);

/// What a stage may hold, in units of the activations of one microbatch on it.
struct ActivationLimit {
  double capacity = 1e9;
  /// What is held between the gradient of the activations and that of the weights.
  double keptForWeights = 1;

  /// Twice what 1F1B holds on its first stage, of a transformer: of 34 h + 5 a s bytes a token and layer, 32 h wait for
  /// the gradient of weights (Korthikanti et al., MLSys 2023; Qi et al.). Sequences of 1024, heads of 128 numbers: a s
  /// / h = 8.
  static ActivationLimit ofTransformer(int stages) { return {2.0 * stages, 32.0 / (34 + 5 * 8)}; }
};

/// Searches an order with the smallest span within `limit`: list scheduling, where a stage takes a gradient of
/// activations before a forward pass before a gradient of weights, improved by descent over how many forward passes a
/// stage makes before its first backward pass and how long a gap must be to be filled. Never worse than zeroBubble() of
/// depth 1, and of 2 where that fits. One chunk a stage. O(stages * microbatches) for each of some hundred candidates.
Schedule searchZeroBubble(const Pipeline &pipeline, const ActivationLimit &limit);
/// The same with a limit for each stage.
Schedule searchZeroBubble(const Pipeline &pipeline, const std::vector<ActivationLimit> &limits);

/// The most that a stage holds that makes `passes`, in microbatch-chunks, of which `keptForWeights` stays between the
/// two gradients.
double peakActivations(const std::vector<Pass> &passes, double keptForWeights);

/// No schedule of passes with one chunk a stage has a smaller span: the work of the busiest stage, and the way of the
/// first microbatch to the last stage, all work there, and the way back.
double spanLowerBound(const Pipeline &pipeline);

/// When everything happens.
struct PassTimeline {
  struct Entry {
    double start, end;
  };
  std::vector<std::vector<Entry>> entries; ///< as the schedule
  double makespan = 0;                     ///< from 0 to the last end
  double span = 0;   ///< the longest time between first start and last end of a stage: what a step costs where
                     ///< steps follow each other without a barrier
  double bubble = 0; ///< the part of `span` in which the busiest stage does nothing
  std::vector<double> peakActivations; ///< of each stage, in microbatch-chunks under `keptForWeights`
};

/// Runs a schedule. TN4012 where passes wait for each other in a circle or one is missing.
Expected<PassTimeline> simulate(const Pipeline &pipeline, const Schedule &schedule, double keptForWeights = 1);

} // namespace tenon::partition

#endif // TENON_PARTITION_SCHEDULE_H
