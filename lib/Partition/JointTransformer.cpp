//===- JointTransformer.cpp - A transformer for the joint search ----------===//
#include "tenon/Partition/JointTransformer.h"

#include "TransformerPrices.h"

#include <cmath>

namespace tenon::partition {

namespace {
enum BlockKind { Embedding, Layer, Loss };
} // namespace

JointTransformer::JointTransformer(const cost::Cluster &cluster, const Transformer &model)
    : cluster(cluster), model(model), names({"none", "none, sequence parallel", "selective",
                                             "selective, sequence parallel", "full", "full, sequence parallel"}) {
  blocks.push_back(Embedding);
  blocks.insert(blocks.end(), size_t(model.layers), Layer);
  blocks.push_back(Loss);
}

static StepPlan stepOf(const Form &form, int samples, int stages) {
  StepPlan plan;
  plan.data = form.data;
  plan.tensor = form.tensor;
  plan.pipeline = stages;
  plan.microbatch = samples;
  plan.recompute = Recompute(form.variant / 2);
  plan.sequenceParallel = form.variant % 2 != 0;
  return plan;
}

/// Samples of the copy that has most.
static int largestShare(int samples, const Form &form) { return (samples + form.data - 1) / form.data; }

std::optional<BlockPrice> JointTransformer::price(int kind, const Form &form, int samples, int stages) const {
  if (samples < form.data)
    return std::nullopt;
  // Ranks of a copy fill nodes, or nodes are filled with copies.
  const int inNode = int(cluster.groups.front().devicesPerNode);
  if (inNode % form.tensor != 0 && form.tensor % inNode != 0)
    return std::nullopt;
  if (std::fmod(model.heads, form.tensor) != 0 || (form.tensor == 1 && form.variant % 2 != 0))
    return std::nullopt;
  const StepPlan plan = stepOf(form, largestShare(samples, form), 1);
  const Pricer pricer(cluster, model, plan);
  const ActivationBytes bytes = activationBytes(model, plan);
  BlockPrice price;
  if (kind == Layer) {
    price.seconds = pricer.layersPass(1);
    price.parameters = model.layerParameters() / form.tensor;
    price.keptBytes = bytes.kept;
    price.forWeights = bytes.forWeights;
    price.workingBytes = bytes.working;
  } else {
    // The loss has the table of the embedding, and a copy of it where that is on another stage.
    if (kind == Embedding || stages > 1)
      price.parameters = model.embeddingParameters() / form.tensor;
    if (kind == Loss) {
      price.seconds = pricer.headPass();
      price.workingBytes = bytes.logits;
    }
  }
  price.fixedBytes = bytesPerParameter * price.parameters;
  return price;
}

Traffic JointTransformer::transfer(int, const Form &form, int samples, int stages, bool leaves) const {
  const StepPlan plan = stepOf(form, largestShare(samples, form), stages);
  return Pricer(cluster, model, plan).transfer(leaves);
}

Traffic JointTransformer::gradients(double parameters, const Form &form, int stages, bool leaves) const {
  const StepPlan plan = stepOf(form, 1, stages);
  return Pricer(cluster, model, plan).gradients(parameters, leaves);
}

double JointTransformer::optimizer(double parameters) const {
  const StepPlan plan;
  return Pricer(cluster, model, plan).optimizer(parameters);
}

JointPlan JointTransformer::planOf(const StepPlan &step) const {
  JointPlan plan;
  plan.schedule = step.interleave > 1 ? ScheduleKind::Interleaved : ScheduleKind::OneForwardOneBackward;
  plan.microbatches = step.microbatches();
  plan.chunks = step.interleave;
  plan.forms.assign(size_t(step.pipeline),
                    {step.tensor, step.data, variantOf(step.recompute, step.sequenceParallel && step.tensor > 1)});
  plan.groups.assign(size_t(step.pipeline), 0);
  const int parts = step.pipeline * step.interleave;
  plan.cuts.push_back(0);
  for (int part = 1; part < parts; ++part)
    plan.cuts.push_back(1 + int(int64_t(model.layers) * part / parts));
  plan.cuts.push_back(int(blocks.size()));
  return plan;
}

} // namespace tenon::partition
