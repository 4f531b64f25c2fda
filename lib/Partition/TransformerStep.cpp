//===- TransformerStep.cpp - Pricing a training step ----------------------===//
#include "TransformerPrices.h"

#include <algorithm>
#include <cmath>

namespace tenon::partition {

int StepPlan::microbatches() const {
  const int64_t passes = int64_t(data) * microbatch;
  return passes > 0 && batch % passes == 0 ? int(batch / passes) : 0;
}

ActivationBytes activationBytes(const Transformer &model, const StepPlan &plan) {
  const double tokens = plan.microbatch * model.sequence, tensor = plan.tensor;
  const double scores = 5 * model.heads * model.sequence * tokens / tensor; // kept by the core of attention
  const double split = 24 * tokens * model.hidden / tensor;
  const double whole = 10 * tokens * model.hidden / (plan.sequenceParallel ? tensor : 1);
  const double input = 2 * tokens * model.hidden / (plan.sequenceParallel ? tensor : 1);
  ActivationBytes bytes;
  bytes.working = split + whole + scores;
  bytes.kept = bytes.working;
  if (plan.recompute == Recompute::Selective)
    bytes.kept -= scores;
  else if (plan.recompute == Recompute::Full)
    bytes.kept = input;
  bytes.forWeights = (split + whole) * 32 / 34;
  bytes.logits = 6 * tokens * model.vocabulary / tensor;
  return bytes;
}

double stepMemory(const Transformer &model, const StepPlan &plan) {
  const ActivationBytes bytes = activationBytes(model, plan);
  const double layers = double(model.layers) / plan.pipeline;
  const double parameters = (layers * model.layerParameters() + model.embeddingParameters()) / plan.tensor;
  // 1F1B holds as many microbatches as stages follow; chunks add what the first of them is ahead.
  const double held = std::min<double>(plan.pipeline, plan.microbatches());
  const double ahead = plan.interleave > 1 ? (plan.pipeline - 1.0) / plan.pipeline / plan.interleave : 0;
  return bytesPerParameter * parameters + bytes.kept * layers * held * (1 + ahead) + bytes.working + bytes.logits;
}

Status checkPlan(const Transformer &model, const StepPlan &plan) {
  auto fail = [](const std::string &what) { return Status::error("TN4013", what); };
  for (double size : {model.hidden, model.inner, model.heads, double(model.layers), model.sequence, model.vocabulary})
    if (!(size >= 1 && size <= 1e9))
      return fail("a size of the model is not between 1 and 1e9");
  for (int size : {plan.data, plan.tensor, plan.pipeline, plan.batch, plan.microbatch, plan.interleave})
    if (size < 1 || size > 1 << 20)
      return fail("a size of the plan is not between 1 and 1048576");
  if (plan.microbatches() == 0)
    return fail("a batch of " + std::to_string(plan.batch) + " is not a multiple of " + std::to_string(plan.data) +
                " ranks times " + std::to_string(plan.microbatch) + " sequences");
  if (plan.interleave > 1 && plan.pipeline == 1)
    return fail("one stage has nothing to interleave");
  if (plan.interleave > 1 && plan.microbatches() % plan.pipeline != 0)
    return fail("interleaving takes a multiple of " + std::to_string(plan.pipeline) + " microbatches, got " +
                std::to_string(plan.microbatches()));
  if (int64_t(plan.pipeline) * plan.microbatches() > 1 << 22)
    return fail("the pipeline has more than 4194304 passes");
  return Status::success();
}

Pricer::Pricer(const cost::Cluster &cluster, const Transformer &model, const StepPlan &plan)
    : cluster(cluster), node(cluster.groups.front()), constants(cluster.constants), model(model), plan(plan),
      tokens(plan.microbatch * model.sequence), tensor(plan.tensor),
      ranksInNode(int(std::min<int64_t>(plan.tensor, node.devicesPerNode))) {
  peak = node.device.rate(node.device.isGpu ? cost::Unit::F16 : cost::Unit::F32) * constants.computeShare;
  memory = node.device.memoryBandwidth;
  network = node.network * constants.networkShare;
  latency = cluster.networkLatency + constants.networkLatency;
}

double Pricer::product(double rows, double columns, double depth) const {
  return 2 * (rows + constants.idleRows) * columns * depth / peak;
}

double Pricer::attentionProducts() const { return 2 * 2 * tokens * model.sequence * model.hidden / tensor / peak; }

double Pricer::softmax() const {
  return 16 * tokens * model.sequence * model.heads / tensor / (memory * constants.softmaxShare);
}

double Pricer::tensorAllReduce() const {
  const double bytes = 2 * tokens * model.hidden;
  if (plan.tensor > node.devicesPerNode) {
    // One ring through the nodes, all adapters for it; inside of them it is no faster than their own.
    const double inNode = double(node.devicesPerNode);
    const double inside = cost::allReduceInNode(cluster, int(inNode), bytes) / constants.collectiveShare *
                          ((tensor - 1) / tensor) / ((inNode - 1) / inNode);
    const double between = 2 * (tensor - 1) / tensor * bytes / network + 2 * latency * tensor / ranksInNode;
    return node.devicesPerNode > 1 ? std::max(inside, between) : between;
  }
  return cost::allReduceInNode(cluster, plan.tensor, bytes) / constants.collectiveShare;
}

double Pricer::joined(double device, double processor) const {
  const double norm = std::max(1.0, constants.overlap);
  const double greater = std::max(device, processor);
  return greater * std::pow(std::pow(device / greater, norm) + std::pow(processor / greater, norm), 1 / norm);
}

PassSeconds Pricer::layersPass(double layers) const {
  const double products =
      product(tokens, 3 * model.hidden / tensor, model.hidden) + product(tokens, model.hidden, model.hidden / tensor) +
      product(tokens, model.inner / tensor, model.hidden) + product(tokens, model.hidden, model.inner / tensor);
  const double whole = 20 * tokens * model.hidden / (plan.sequenceParallel ? tensor : 1);
  const double split = 24 * tokens * model.hidden / tensor;
  const double core = attentionProducts() + softmax();
  const double arithmetic = products + core + (whole + split) / (memory * constants.memoryShare);
  const double exchange = 2 * tensorAllReduce(); // of either direction; as much where it is split in two
  // Megatron-LM has one kernel for the softmax where the rows of scores come in fours.
  const bool isFused = std::fmod(model.heads / tensor * plan.microbatch, 4) == 0;
  const double skew = (tensor - 1) / 7;
  const double issue = (constants.launchLayer + (isFused ? 0 : constants.launchUnfused)) *
                       (1 + constants.launchSkew * std::min(1.0, skew * skew));
  const double forward = arithmetic + exchange;
  const double again = plan.recompute == Recompute::Full ? forward : plan.recompute == Recompute::Selective ? core : 0;
  PassSeconds pass;
  pass.forward = layers * joined(forward, issue);
  const double back = 2 * arithmetic + exchange + again;
  const double both = layers * joined(back, issue * (plan.recompute == Recompute::Full ? 2 : 1));
  pass.backwardWeight = both * products / back;
  pass.backwardInput = both - pass.backwardWeight;
  return pass;
}

PassSeconds Pricer::headPass() const {
  const double logits = 2 * tokens * model.hidden * model.vocabulary / tensor / peak +
                        16 * tokens * model.vocabulary / tensor / (memory * constants.memoryShare);
  return {logits + tensorAllReduce() + constants.launchMicrobatch / 3,
          logits + tensorAllReduce() + constants.launchMicrobatch / 3, logits + constants.launchMicrobatch / 3};
}

Traffic Pricer::transfer(bool leaves) const {
  if (plan.pipeline == 1)
    return {};
  const double bytes = 2 * tokens * model.hidden / (plan.sequenceParallel ? tensor : 1);
  const double neighbours = double(plan.tensor) * plan.data; // ranks of a stage
  if (leaves)
    return {latency, bytes * std::min(neighbours, double(node.devicesPerNode)) / network, true};
  if (neighbours * plan.pipeline <= double(node.devicesPerNode) || neighbours < double(node.devicesPerNode))
    return {node.link.latency, bytes / node.link.bandwidth, false};
  return {latency, bytes * double(node.devicesPerNode) / network, true};
}

double Pricer::parametersOfRank() const {
  return (model.layerParameters() * model.layers / plan.pipeline + model.embeddingParameters()) / tensor;
}

Traffic Pricer::gradients(double parameters, bool leaves) const {
  if (plan.data <= 1)
    return {};
  const double bytes = 4 * parameters; // summed in single precision
  const int inNode = int(std::clamp<int64_t>(node.devicesPerNode / ranksInNode, 1, plan.data));
  const double nodes = std::max(double(plan.data) / inNode, leaves ? 2.0 : 1.0);
  if (nodes <= 1)
    return {0, cost::allReduceInNode(cluster, plan.data, bytes), false};
  const double messages = cost::allReduceBetweenNodes(nodes, 0, network / ranksInNode, latency);
  return {messages, cost::allReduceBetweenNodes(nodes, bytes, network / ranksInNode, 0), true};
}

double Pricer::optimizer(double parameters) const {
  // Adam with master weights: reads gradient, two moments and master, writes the latter three and the half.
  return 30 * parameters / (memory * constants.memoryShare) + constants.step;
}

StepTime predictStep(const cost::Cluster &cluster, const Transformer &model, const StepPlan &plan) {
  const Pricer pricer(cluster, model, plan);
  Pipeline pipeline;
  pipeline.stages = plan.pipeline;
  pipeline.chunks = plan.interleave;
  pipeline.microbatches = plan.microbatches();
  pipeline.transferSeconds = pricer.transfer().total();
  pipeline.times.assign(size_t(pipeline.parts()), pricer.layersPass(double(model.layers) / pipeline.parts()));
  const PassSeconds head = pricer.headPass();
  PassSeconds &last = pipeline.times.back();
  last.forward += head.forward;
  last.backwardInput += head.backwardInput;
  last.backwardWeight += head.backwardWeight;
  auto schedule = interleaved(pipeline);
  assert(schedule && "checkPlan() took the plan");
  auto timeline = simulate(pipeline, *schedule);
  assert(timeline && "1F1B runs");
  StepTime time;
  time.pipeline = timeline->makespan;
  time.bubble = timeline->bubble;
  time.gradients = pricer.gradients(pricer.parametersOfRank()).total();
  time.optimizer = pricer.optimizer(pricer.parametersOfRank());
  time.total = time.pipeline + time.gradients + time.optimizer;
  return time;
}

Expected<StepPlan> completePlan(const cost::Cluster &cluster, const Transformer &model, StepPlan plan) {
  const double capacity = 0.95 * double(cluster.groups.front().device.memoryBytes); // the rest is the driver's
  double best = -1;
  StepPlan chosen;
  for (int microbatch = 1; microbatch <= 16; microbatch *= 2)
    for (int chunks : {1, 2}) {
      plan.microbatch = microbatch;
      plan.interleave = chunks;
      if ((chunks > 1 && model.layers % (plan.pipeline * chunks) != 0) || !checkPlan(model, plan).ok() ||
          stepMemory(model, plan) > capacity)
        continue;
      const double seconds = predictStep(cluster, model, plan).total;
      if (best < 0 || seconds < best) {
        best = seconds;
        chosen = plan;
      }
    }
  if (best >= 0)
    return chosen;
  return Status::error("TN4014", "no microbatch of this step fits into " +
                                     std::to_string(cluster.groups.front().device.memoryBytes / 1000000000) +
                                     " GB a device");
}

} // namespace tenon::partition
