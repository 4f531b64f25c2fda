//===- PipelineTasks.h - A pipeline's step as tasks on streams and links --===//
//
// Schedule.h says in which order stages make their passes; this is the same step with transfers that share links, the
// sum of gradients, the optimizer, and memory: what Simulator.h runs. A stage is one device here: the devices that work
// on it do alike.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_PIPELINETASKS_H
#define TENON_PARTITION_PIPELINETASKS_H

#include "tenon/Partition/Schedule.h"
#include "tenon/Partition/Simulator.h"

namespace tenon::partition {

struct PipelineCosts {
  struct OfStage {
    double fixedBytes = 0;         ///< parameters, gradients, optimizer, and what a pass needs besides
    double bytesPerMicrobatch = 0; ///< of a chunk, from its forward pass until the gradient of the activations
    double bytesForWeights = 0;    ///< from there until the gradient of the weights
    std::vector<LinkLoad> forward, backward; ///< what handing on an activation, or its gradient, loads
    double gradientLatency = 0;              ///< seconds of the sum of gradients over copies, besides its loads
    std::vector<LinkLoad> gradients;
    double optimizer = 0; ///< seconds
  };
  std::vector<OfStage> stages; ///< one each; or none: all of it 0
  std::vector<TaskLink> links;
};

struct PipelineTasks {
  TaskGraph graph;
  std::vector<std::vector<int>> passes; ///< the task of each pass of the schedule
};

/// The tasks of a step: passes on a stream of their stage, transfers of `pipeline.transferSeconds` and loads; and where
/// `costs` has stages, after the last gradient of each the sum over copies and the optimizer. Every pass of the
/// schedule is in it once; simulate() refuses an order in which passes wait for each other in a circle.
PipelineTasks pipelineTasks(const Pipeline &pipeline, const Schedule &schedule, const PipelineCosts &costs);

} // namespace tenon::partition

#endif // TENON_PARTITION_PIPELINETASKS_H
