//===- TrainingGraph.h - Training steps of models as problems -----------===//
#ifndef TENON_TEST_PARTITION_TRAININGGRAPH_H
#define TENON_TEST_PARTITION_TRAININGGRAPH_H

#include "tenon/Partition/Problem.h"

namespace tenon::partition {

/// A transformer that is trained on a mesh of `inner` devices of a node times `outer` nodes.
struct TrainingOptions {
  int layers = 96;
  double hidden = 12288;
  double tokens = 131072; ///< of a step
  double inner = 8, outer = 64;
  double experts = 0;     ///< of each feed-forward part, of which a token takes one; 0 for a dense one
  double capacity = 24e9; ///< bytes of a device
};

/// Forward, both gradients and optimizer of each layer, 106 ops a layer with 9 or 12 strategies each: a mesh axis
/// splits the batch, the columns, what is summed over, or nothing. Weights and optimizer state live throughout, what
/// the backward pass needs until it has used it.
Problem trainingGraph(const TrainingOptions &options);

/// ResNet-50 on images of 224 x 224.
struct ResNetOptions {
  double images = 2048; ///< of a step
  double inner = 8, outer = 8;
  double capacity = 80e9; ///< bytes of a device
};

/// The same of ResNet-50: a mesh axis splits images, channels that come out, channels that go in, or nothing.
Problem trainingGraph(const ResNetOptions &options);

} // namespace tenon::partition

#endif // TENON_TEST_PARTITION_TRAININGGRAPH_H
