//===- JointTransformer.h - A transformer for the joint search ------------===//
//
// Blocks: the embedding, the layers, the loss. Copies need not divide a microbatch: the slowest has the most samples.
// Variants: none, selective or full recomputation, each without and with
// sequence parallelism. Prices are those of TransformerStep.h.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_JOINTTRANSFORMER_H
#define TENON_PARTITION_JOINTTRANSFORMER_H

#include "tenon/Partition/Joint.h"
#include "tenon/Partition/TransformerStep.h"

namespace tenon::partition {

class JointTransformer final : public JointModel {
public:
  /// `cluster` outlives this; its first group of nodes counts.
  JointTransformer(const cost::Cluster &cluster, const Transformer &model);

  std::span<const int> chain() const override { return blocks; }
  std::span<const std::string> variants() const override { return names; }
  std::optional<BlockPrice> price(int kind, const Form &form, int samples, int stages) const override;
  Traffic transfer(int cut, const Form &form, int samples, int stages, bool leaves) const override;
  Traffic gradients(double parameters, const Form &form, int stages, bool leaves) const override;
  double optimizer(double parameters) const override;

  static int variantOf(Recompute recompute, bool sequenceParallel) { return 2 * int(recompute) + sequenceParallel; }
  /// The plan that `step` describes: layers spread evenly, as Megatron-LM does. checkPlan() takes it.
  JointPlan planOf(const StepPlan &step) const;

private:
  const cost::Cluster &cluster;
  Transformer model;
  std::vector<int> blocks;
  std::vector<std::string> names;
};

} // namespace tenon::partition

#endif // TENON_PARTITION_JOINTTRANSFORMER_H
