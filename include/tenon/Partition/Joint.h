//===- Joint.h - Stages, splits, microbatches, recomputation and schedule -===//
//
// One search over everything that makes a training step: into how many stages a chain of blocks is cut and where; how
// the devices of each stage share its work (`tensor` of them a copy, `data` copies) and what they compute again; how
// many microbatches; which schedule. Stages of a group have as many devices each; where groups are not alike, stages
// follow their speed. A model says what a block costs: by closed
// formulas (JointTransformer.h), or by solving the block's own Problem; a kind of block is asked for once a form.
// docs/Rationale/Partition.md.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_JOINT_H
#define TENON_PARTITION_JOINT_H

#include "tenon/Partition/PipelineTasks.h"

#include <optional>
#include <span>

namespace tenon::partition {

/// How the devices of a stage share its work.
struct Form {
  int tensor = 1;  ///< devices of a copy
  int data = 1;    ///< copies, each with its part of a microbatch
  int variant = 0; ///< of JointModel::variants(): what is computed again, and the like
  bool operator==(const Form &) const = default;
};

/// What moves between devices.
struct Traffic {
  double latency = 0;
  double seconds = 0;       ///< besides, where nothing else uses the way
  bool overNetwork = false; ///< the way between nodes, not that inside of one

  double total() const { return latency + seconds; }
};

/// What a block costs one of its devices.
struct BlockPrice {
  PassSeconds seconds;     ///< of a microbatch
  double parameters = 0;   ///< that the device has and sums gradients of
  double fixedBytes = 0;   ///< held throughout: parameters, gradients, optimizer
  double keptBytes = 0;    ///< for each microbatch, from its forward pass until the gradient of its activations
  double forWeights = 0;   ///< bytes from there until the gradient of the weights
  double workingBytes = 0; ///< while it is worked on; blocks of a stage take turns
};

/// What the search asks. Functions are pure.
class JointModel {
public:
  virtual ~JointModel();

  /// The kind of each block, in order; kinds are small numbers. Blocks of a kind are alike.
  virtual std::span<const int> chain() const = 0;
  /// Names of the variants; at least one.
  virtual std::span<const std::string> variants() const = 0;
  /// A block of `kind` where the copies have `samples` samples of a microbatch together, and there are `stages` stages;
  /// nothing where it cannot be split so.
  virtual std::optional<BlockPrice> price(int kind, const Form &form, int samples, int stages) const = 0;
  /// Handing on what crosses the place before block `cut`, or its gradient, where there are `stages` stages; to another
  /// group of devices where it `leaves`.
  virtual Traffic transfer(int cut, const Form &form, int samples, int stages, bool leaves) const = 0;
  /// Summing gradients of as many parameters a device over the copies, some of them in another group where it `leaves`.
  virtual Traffic gradients(double parameters, const Form &form, int stages, bool leaves) const = 0;
  /// Seconds of the optimizer.
  virtual double optimizer(double parameters) const = 0;
};

enum class ScheduleKind : uint8_t { GPipe, OneForwardOneBackward, Interleaved, ZeroBubbleH1, ZeroBubbleH2, Searched };

/// "gpipe", "1f1b", "interleaved", "zero-bubble-h1", "zero-bubble-h2", "searched".
std::string_view scheduleName(ScheduleKind kind);

/// What the user forces; 0, -1 or empty: free.
struct JointPins {
  int stages = 0, tensor = 0, data = 0, microbatches = 0;
  std::vector<int> variants;
  std::vector<ScheduleKind> schedules;

  bool allows(ScheduleKind kind) const;
};

/// Alike devices. A stage is on devices of one group.
struct JointGroup {
  const JointModel *model = nullptr; ///< what they take; outlives the problem
  int devices = 1;
  double memory = 0; ///< bytes of a device
};

struct JointProblem {
  /// Plans use one group or several; models have the same chain and variants.
  std::vector<JointGroup> groups;
  int batch = 1; ///< samples of a step
  JointPins pins;

  const JointModel &model() const { return *groups.front().model; }
};

struct JointPlan {
  ScheduleKind schedule = ScheduleKind::OneForwardOneBackward;
  int microbatches = 1;
  int chunks = 1;          ///< of a stage: chunk c of stage s is part c * stages + s of the chain
  std::vector<int> cuts;   ///< part i is blocks cuts[i] to cuts[i + 1] - 1
  std::vector<Form> forms; ///< of each stage
  std::vector<int> groups; ///< of each stage

  int stages() const { return int(forms.size()); }
};

/// A plan, run by the event simulator.
struct JointRun {
  double seconds = 0;        ///< of a step
  double bubble = 0;         ///< the part of it in which the busiest stage makes no pass
  std::vector<double> peaks; ///< bytes, of a device of each stage
  Pipeline pipeline;
  Schedule schedule;
  PipelineTasks tasks;
  Timeline timeline;
};

/// Runs `plan`. TN4017 where it is not a plan for `problem` or the model cannot be split so, TN4011 where an
/// interleaved schedule does not fit; memory is not looked at, but reported.
Expected<JointRun> run(const JointProblem &problem, const JointPlan &plan);

struct JointAnswer {
  JointPlan plan;
  std::vector<int> devices; ///< that the search was for, of each group
  double seconds = 0;       ///< of a step, by the event simulator
  double bound = 0;         ///< no plan that fits is faster
  int64_t combinations = 0; ///< of stages, microbatches and schedules
  int64_t bounded = 0;      ///< of them, those whose stages were searched
  int64_t evaluated = 0;    ///< plans that were simulated

  double gap() const { return seconds > bound ? (seconds - bound) / seconds : 0; }
};

struct JointOptions {
  double gap = 1e-3;       ///< stop where the answer is proven to be within this
  int maxPasses = 1 << 20; ///< stages times microbatches; more are not tried
  int maxStates = 1 << 21; ///< stages times blocks; more are not tried
};

/// Finds the fastest plan that fits, for all devices of the groups it uses; or, where those of a group are not a
/// multiple of 8, for as many as are, or a power of two: the fastest of them. TN4018 where none does, with a memory
/// that would do; TN4017 where the problem is malformed, or there is no plan whatever the memory. Deterministic.
Expected<JointAnswer> solve(const JointProblem &problem, const JointOptions &options = {});

} // namespace tenon::partition

#endif // TENON_PARTITION_JOINT_H
