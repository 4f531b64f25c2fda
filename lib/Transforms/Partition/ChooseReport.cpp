//===- ChooseReport.cpp - What was chosen, and why ------------------------===//
#include "ChoosePlan.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::choice;

namespace {

class Describer {
public:
  Describer(const Graph &graph, const Plan &plan)
      : graph(graph), plan(plan), problem(plan.priced.problem), edgesOf(problem.nodes.size()) {
    for (size_t i = 0; i < problem.edges.size(); ++i) {
      edgesOf[problem.edges[i].producer].push_back(int(i));
      edgesOf[problem.edges[i].consumer].push_back(int(i));
    }
  }

  PartitionAnswer run();

private:
  /// Seconds of an edge where op `node` takes `strategy` and every other what was chosen.
  double edgeSeconds(const partition::Edge &edge, int node, int strategy) const {
    const int from = edge.producer == node ? strategy : plan.choice[edge.producer];
    const int to = edge.consumer == node ? strategy : plan.choice[edge.consumer];
    return edge.seconds[size_t(from) * problem.nodes[edge.consumer].seconds.size() + to];
  }
  double secondsWith(int node, int strategy) const {
    double seconds = problem.nodes[node].seconds[strategy];
    for (int edge : edgesOf[node])
      seconds += edgeSeconds(problem.edges[edge], node, strategy);
    return seconds;
  }
  PartitionedOp describe(int index) const;
  void addSpans(PartitionAnswer &answer);
  void addMemory(PartitionAnswer &answer) const;
  void addPasses(PartitionAnswer &answer) const;

  const Graph &graph;
  const Plan &plan;
  const partition::Problem &problem;
  std::vector<std::vector<int>> edgesOf;
  std::vector<double> opEnds; ///< seconds from the start
};

} // namespace

PartitionedOp Describer::describe(int index) const {
  const GraphOp &op = graph.ops[index];
  const Strategy &strategy = plan.strategyOf(index);
  PartitionedOp result;
  result.node = op.node;
  result.kind = op.kind;
  result.phase = op.phase;
  result.strategy = strategy.name;
  result.stage = plan.stages[index];
  result.isPinned = std::any_of(problem.pins.begin(), problem.pins.end(),
                                [&](const partition::Pin &pin) { return pin.node == index; });
  result.flops = op.flops;
  result.share = strategy.share;
  result.compute = std::max(0.0, strategy.compute);
  result.reduction = strategy.reduction;
  for (int edge : edgesOf[index])
    if (problem.edges[edge].consumer == index)
      result.resharding += edgeSeconds(problem.edges[edge], index, plan.choice[index]);
  const double mine = secondsWith(index, plan.choice[index]);
  double least = infinity;
  for (int other = 0; other < int(plan.priced.strategies[index].size()); ++other)
    if (double seconds = secondsWith(index, other); other != plan.choice[index] && seconds < least) {
      least = seconds;
      result.alternative = plan.priced.strategies[index][other].name;
      result.alternativeExtra = seconds - mine;
    }
  return result;
}

/// Weights lie where their op does; what crosses a cut is counted where it was made.
void Describer::addMemory(PartitionAnswer &answer) const {
  const int count = int(graph.ops.size());
  answer.weightBytes.assign(plan.form.stages, 0);
  std::vector<std::vector<int64_t>> usage(plan.form.stages, std::vector<int64_t>(count, plan.setting.inputBytes));
  for (int i = 0; i < count; ++i)
    for (const partition::Tensor &tensor : problem.nodes[i].tensors) {
      const int64_t bytes = tensor.bytes[plan.choice[i]];
      const bool isWeight = tensor.first == 0 && tensor.last == count;
      answer.weightBytes[plan.stages[i]] += isWeight ? bytes : 0;
      for (int point = tensor.first; point <= std::min(tensor.last, count - 1); ++point)
        usage[plan.stages[i]][point] += bytes;
    }
  if (!plan.schedule.empty())
    return addPasses(answer);
  for (const std::vector<int64_t> &levels : usage) {
    answer.peakBytes.push_back(levels.empty() ? 0 : *std::max_element(levels.begin(), levels.end()));
    std::vector<PartitionLevel> &memory = answer.memory.emplace_back();
    for (int i = 0; i < count; ++i)
      if (memory.empty() || memory.back().bytes != levels[i])
        memory.push_back({i > 0 ? opEnds[i - 1] : 0, levels[i]});
  }
}

/// One thing after the other, as ranks run: a stage begins when it has what it reads.
void Describer::addSpans(PartitionAnswer &answer) {
  double now = 0;
  auto add = [&](int stage, bool isCommunication, double seconds, int op) {
    if (seconds > 0)
      answer.spans.push_back({stage, isCommunication, now, now + seconds, op, op < 0 ? "" : answer.ops[op].phase, ""});
    now += seconds;
  };
  int stage = 0;
  for (int i = 0; i < int(answer.ops.size()); ++i) {
    const PartitionedOp &op = answer.ops[i];
    if (op.stage != stage) {
      stage = op.stage;
      add(stage, true, answer.transfer[stage], -1);
    }
    add(stage, true, op.resharding, i);
    add(stage, false, op.compute, i);
    add(stage, true, op.reduction, i);
    opEnds.push_back(now);
  }
  double gathering = plan.outputs;
  for (const partition::Edge &edge : problem.edges)
    if (edge.consumer == int(answer.ops.size()))
      gathering += edgeSeconds(edge, edge.consumer, 0);
  add(stage, true, gathering, -1);
}

/// A pipeline of training: the passes of its schedule. What is kept for the way back is there for each microbatch under
/// way.
void Describer::addPasses(PartitionAnswer &answer) const {
  static constexpr const char *names[] = {"forward", "input gradient", "input gradient", "weight gradient"};
  const int count = graph.forwardOps, batches = plan.pipeline.microbatches;
  std::vector<int64_t> kept(plan.form.stages);
  for (int i = 0; i < count; ++i)
    for (const partition::Tensor &tensor : problem.nodes[i].tensors)
      if (tensor.first < count && tensor.last >= count && (tensor.first > 0 || tensor.last < int(graph.ops.size())))
        kept[plan.stages[i]] += tensor.bytes[plan.choice[i]] / batches;
  for (int stage = 0; stage < plan.form.stages; ++stage) {
    std::vector<PartitionLevel> &memory = answer.memory.emplace_back();
    memory.push_back({0, answer.weightBytes[stage] + plan.setting.inputBytes});
    int64_t peak = memory.back().bytes;
    for (size_t k = 0; k < plan.schedule[stage].size(); ++k) {
      const partition::Pass &pass = plan.schedule[stage][k];
      const auto [start, end] = plan.timeline.entries[stage][k];
      answer.spans.push_back(
          {stage, false, start, end, -1, names[size_t(pass.kind)], "microbatch " + std::to_string(pass.microbatch)});
      if (pass.kind == partition::PassKind::Forward)
        memory.push_back({start, memory.back().bytes + kept[stage]});
      else if (pass.kind != partition::PassKind::BackwardInput)
        memory.push_back({end, memory.back().bytes - kept[stage]});
      peak = std::max(peak, memory.back().bytes);
    }
    answer.spans.push_back(
        {stage, false, plan.timeline.makespan, plan.timeline.makespan + plan.optimizer, -1, "optimizer", "optimizer"});
    answer.peakBytes.push_back(peak);
  }
}

PartitionAnswer Describer::run() {
  PartitionAnswer answer;
  answer.parallel = plan.form;
  answer.seconds = plan.seconds();
  answer.bound = plan.bound;
  answer.shares = plan.shares;
  answer.strategyGap = plan.strategyGap;
  answer.capacity = plan.capacity;
  answer.transfer = plan.transfer;
  answer.stageSeconds.assign(plan.form.stages, 0);
  for (int i = 0; i < int(graph.ops.size()); ++i) {
    answer.ops.push_back(describe(i));
    const PartitionedOp &op = answer.ops.back();
    answer.stageSeconds[op.stage] += op.compute + op.reduction + op.resharding;
  }
  const int count = int(graph.ops.size());
  for (const partition::Edge &edge : problem.edges)
    if (edge.consumer == count)
      answer.stageSeconds[plan.stages[edge.producer]] += edgeSeconds(edge, count, 0);
  answer.microbatches = plan.pipeline.microbatches;
  for (int stage = 0; stage < plan.form.stages; ++stage)
    answer.bottleneck = std::max(answer.bottleneck, answer.stageSeconds[stage] + answer.transfer[stage]);
  if (plan.schedule.empty())
    addSpans(answer);
  addMemory(answer);
  return answer;
}

PartitionAnswer choice::describePlan(const Graph &graph, const Plan &plan) { return Describer(graph, plan).run(); }
