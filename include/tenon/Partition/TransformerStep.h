//===- TransformerStep.h - How long a training step of a transformer takes ===//
//
// A decoder-only transformer in half precision, trained by data, tensor and pipeline parallelism as Megatron-LM does:
// tensor-parallel ranks are neighbours, then data-parallel ranks, then stages. Passes of a stage are priced kernel by
// kernel from the devices of a cluster and its constants (tenon/Cost/Cluster.h); the pipeline is simulated
// (Schedule.h). docs/Rationale/TrainingSteps.md has the formulas and their sources.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_TRANSFORMERSTEP_H
#define TENON_PARTITION_TRANSFORMERSTEP_H

#include "tenon/Cost/Cluster.h"
#include "tenon/Partition/Schedule.h"

#include <span>

namespace tenon::partition {

/// Sizes of the model.
struct Transformer {
  double hidden = 0;
  double inner = 0; ///< of the feed-forward part, usually 4 hidden
  double heads = 0;
  int layers = 0;
  double sequence = 2048;
  double vocabulary = 51200;

  /// Parameters of one layer, and of the embedding with positions.
  double layerParameters() const { return 4 * hidden * hidden + 2 * hidden * inner; }
  double embeddingParameters() const { return hidden * (vocabulary + sequence); }
};

/// What is computed again in the backward pass instead of being kept.
enum class Recompute { None, Selective /* the core of attention */, Full };

/// How a step is spread.
struct StepPlan {
  int data = 1, tensor = 1, pipeline = 1;
  int batch = 1;      ///< sequences of a step, over all ranks
  int microbatch = 1; ///< sequences of one pass
  int interleave = 1; ///< chunks of layers a stage
  Recompute recompute = Recompute::Full;
  bool sequenceParallel = false; ///< what is not split by tensor parallelism is split along the sequence

  int ranks() const { return data * tensor * pipeline; }
  /// Passes a stage makes; 0 where the batch cannot be cut so.
  int microbatches() const;
};

/// Where the time of a step goes, in seconds.
struct StepTime {
  double total = 0;
  double pipeline = 0;  ///< passes of the stage that determines it, with what it waits
  double bubble = 0;    ///< the part of `pipeline` that is waiting
  double gradients = 0; ///< all-reduce over data-parallel ranks
  double optimizer = 0;
};

/// Parameters, gradients and optimizer: mixed-precision Adam. Korthikanti et al., MLSys 2023.
inline constexpr double bytesPerParameter = 18;

/// Bytes of a device of the first stage: parameters, gradients, optimizer, and activations. Korthikanti et al., MLSys
/// 2023, sections 4 and 5.
double stepMemory(const Transformer &model, const StepPlan &plan);

/// Whether sizes and plan fit together: everything divides. TN4013 says what does not.
Status checkPlan(const Transformer &model, const StepPlan &plan);

/// The prediction, for a plan that checkPlan() takes. Uses the first group of nodes of `cluster`.
StepTime predictStep(const cost::Cluster &cluster, const Transformer &model, const StepPlan &plan);

/// The fastest microbatch (a power of two) and interleaving (1 or 2 chunks) that fit into memory, others as in `plan`;
/// TN4014 where none does.
Expected<StepPlan> completePlan(const cost::Cluster &cluster, const Transformer &model, StepPlan plan);

/// A step that was measured.
struct MeasuredStep {
  Transformer model;
  StepPlan plan;
  double seconds = 0;
  double network = 0;     ///< bytes per second of a node; 0 = as the cluster has it
  bool isComplete = true; ///< microbatch and interleaving are known; else completePlan() finds them
  double weight = 1;
};

/// The constants of `cluster` that predict `steps` best: least absolute error of the logarithm, by damped Gauss-Newton
/// steps from the constants it has. Deterministic.
cost::StepConstants fitConstants(cost::Cluster cluster, std::span<const MeasuredStep> steps, int iterations = 90);

} // namespace tenon::partition

#endif // TENON_PARTITION_TRANSFORMERSTEP_H
