//===- TransformerPrices.h - What passes of a transformer take ------------===//
//
// docs/Rationale/TrainingSteps.md has the formulas.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_PARTITION_TRANSFORMERPRICES_H
#define TENON_LIB_PARTITION_TRANSFORMERPRICES_H

#include "tenon/Partition/Joint.h"
#include "tenon/Partition/TransformerStep.h"

namespace tenon::partition {

/// Bytes of a device.
struct ActivationBytes {
  double kept = 0; ///< of a layer, for each microbatch from its forward pass until the gradient of its activations
  double forWeights = 0; ///< from there until the gradients of weights
  double working = 0;    ///< of a layer, while it is worked on
  double logits = 0;     ///< of the loss, while it is
};
/// Korthikanti et al., MLSys 2023, section 4; of 34 bytes a token and unit of width 32 wait for the gradients of
/// weights (Qi et al., ICLR 2024).
ActivationBytes activationBytes(const Transformer &model, const StepPlan &plan);

/// Prices of one microbatch. Elementwise traffic follows the kernels of Megatron-LM: per token and unit of width in
/// half precision, two norms and two sums with dropout move 20 bytes, the activation and the copies of attention 24 of
/// what is split, the softmax 16 a score.
class Pricer {
public:
  /// All of them outlive this.
  Pricer(const cost::Cluster &cluster, const Transformer &model, const StepPlan &plan);

  /// `layers` layers of a stage.
  PassSeconds layersPass(double layers) const;
  /// Embedding and loss.
  PassSeconds headPass() const;
  /// Handing an activation on to the next stage, in any case over the network where it `leaves` these nodes.
  Traffic transfer(bool leaves = false) const;
  /// All-reduce of the gradients of as many parameters over the copies, of which others than on these nodes where it
  /// `leaves` them; and Adam's step for them.
  Traffic gradients(double parameters, bool leaves = false) const;
  double optimizer(double parameters) const;
  /// Parameters of a rank of the first stage.
  double parametersOfRank() const;

private:
  double product(double rows, double columns, double depth) const;
  double attentionProducts() const;
  double softmax() const;
  double tensorAllReduce() const;
  double joined(double device, double processor) const;

  const cost::Cluster &cluster;
  const cost::NodeGroup &node;
  const cost::StepConstants &constants;
  const Transformer &model;
  const StepPlan &plan;
  double tokens, tensor;
  int ranksInNode;
  double peak = 0, memory = 0, network = 0, latency = 0;
};

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_TRANSFORMERPRICES_H
