//===- Stages.cpp - Pipeline stages: the problem --------------------------===//
#include "tenon/Partition/Stages.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::partition {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

Status malformed(std::string message, const std::string &layer = {}) {
  return Status::error("TN4001", std::move(message), layer, "correct the profile");
}

bool isAmount(double value) { return value >= 0 && value < infinite; }

Status checkLayer(const Layer &layer) {
  for (const auto &[tensor, variants] : layer.variants) {
    if (tensor < 1 || variants.empty())
      return malformed("a layer needs a variant for each degree, which is at least 1", layer.name);
    for (const Variant &variant : variants)
      if (!isAmount(variant.seconds) || !isAmount(variant.parameterBytes) || !isAmount(variant.perBatch) ||
          !isAmount(variant.fixed))
        return malformed("variant '" + variant.name + "' has a negative or infinite amount", layer.name);
    for (const Variant &variant : variants)
      if (variant.parameterBytes != variants[0].parameterBytes)
        return malformed("variants of one degree have parameters of different sizes", layer.name);
  }
  return {};
}

Status checkFlow(const StageProblem &problem, const Flow &flow) {
  int count = int(problem.layers.size());
  if (flow.from < 0 || flow.from >= count || flow.to < 0 || flow.to >= count || flow.from == flow.to)
    return malformed("a flow does not lead from one layer to another");
  bool good = isAmount(flow.bytes);
  for (const auto *gathers : {&flow.gatherForward, &flow.gatherBackward})
    for (const auto &[tensor, bytes] : *gathers)
      good &= isAmount(bytes);
  if (!good)
    return malformed("a flow has a negative or infinite size", problem.layers[flow.from].name);
  return {};
}

bool hasCycle(const StageProblem &problem) {
  std::vector<int> waits(problem.layers.size());
  std::vector<std::vector<int>> next(problem.layers.size());
  for (const Flow &flow : problem.flows) {
    ++waits[flow.to];
    next[flow.from].push_back(flow.to);
  }
  std::vector<int> ready;
  for (size_t v = 0; v < waits.size(); ++v)
    if (!waits[v])
      ready.push_back(int(v));
  for (size_t i = 0; i < ready.size(); ++i)
    for (int to : next[ready[i]])
      if (!--waits[to])
        ready.push_back(to);
  return ready.size() < problem.layers.size();
}

double gather(const std::map<int, double> &bytes, int tensor) {
  auto found = bytes.find(tensor);
  return found == bytes.end() ? 0 : found->second;
}

/// The variants of a stage's layers; empty where one does not exist.
std::vector<const Variant *> variantsOf(const StageProblem &problem, const Stage &stage) {
  std::vector<const Variant *> result;
  for (size_t i = 0; i < stage.layers.size(); ++i) {
    const auto &all = problem.layers[stage.layers[i]].variants;
    auto found = all.find(stage.tensor);
    if (found == all.end() || i >= stage.variants.size() || stage.variants[i] < 0 ||
        stage.variants[i] >= int(found->second.size()))
      return {};
    result.push_back(&found->second[stage.variants[i]]);
  }
  return result;
}

/// Bytes of flows between a stage and others, for a micro-batch, both ways.
double crossing(const StageProblem &problem, const std::vector<int> &stageOf, int stage, int tensor) {
  double bytes = 0;
  for (const Flow &flow : problem.flows) {
    if (stageOf[flow.from] == stageOf[flow.to])
      continue;
    if (stageOf[flow.to] == stage)
      bytes += 2 * (flow.bytes + gather(flow.gatherForward, tensor));
    if (stageOf[flow.from] == stage)
      bytes += 2 * (flow.bytes + gather(flow.gatherBackward, tensor));
  }
  return bytes;
}

} // namespace

Status check(const StageProblem &problem) {
  if (problem.devices < 1 || problem.devices > 100'000 || problem.microBatches < 1 || !(problem.bandwidth > 0) ||
      !isAmount(problem.memory))
    return malformed("devices (up to 100000), micro-batches, bandwidth and memory must be positive");
  for (const Layer &layer : problem.layers)
    TENON_RETURN_IF_ERROR(checkLayer(layer));
  for (const Flow &flow : problem.flows)
    TENON_RETURN_IF_ERROR(checkFlow(problem, flow));
  if (hasCycle(problem))
    return malformed("the flows form a cycle");
  return {};
}

double evaluate(const StageProblem &problem, const std::vector<Stage> &stages) {
  std::vector<int> stageOf(problem.layers.size(), -1);
  int64_t devices = 0, behind = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Stage &stage = stages[i];
    for (int layer : stage.layers) {
      if (stageOf[layer] >= 0)
        return infinite;
      stageOf[layer] = int(i);
    }
    if (stage.data < 1 || problem.microBatches % stage.data)
      return infinite;
    devices += int64_t(stage.data) * stage.tensor;
    behind += stage.data;
  }
  if (devices > problem.devices || behind > problem.microBatches || std::count(stageOf.begin(), stageOf.end(), -1) > 0)
    return infinite;
  for (const Flow &flow : problem.flows)
    if (stageOf[flow.from] > stageOf[flow.to])
      return infinite;
  double slowest = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Stage &stage = stages[i];
    std::vector<const Variant *> variants = variantsOf(problem, stage);
    if (variants.size() != stage.layers.size())
      return infinite;
    double inFlight = double((behind + stage.data - 1) / stage.data);
    behind -= stage.data;
    double seconds = crossing(problem, stageOf, int(i), stage.tensor) / problem.bandwidth;
    double parameters = 0, memory = 0;
    for (const Variant *variant : variants) {
      seconds += variant->seconds;
      parameters += variant->parameterBytes;
      memory += variant->perBatch * inFlight + variant->fixed;
    }
    if (memory > problem.memory * (1 + 1e-12)) // sums of fractions round
      return infinite;
    double synchronise = 4.0 * (stage.data - 1) / stage.data * parameters / problem.microBatches / problem.bandwidth;
    slowest = std::max(slowest, seconds / stage.data + synchronise);
  }
  return slowest;
}

} // namespace tenon::partition
