//===- ChoosePlan.cpp - The best choice for one form ----------------------===//
#include "ChoosePlan.h"

#include "ChooseMesh.h"
#include "ChooseStages.h"
#include "tenon/Partition/Solver.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <set>

using namespace tenon;
using namespace tenon::choice;

/// An op with less than this part of the work may stay whole along an axis that was asked for.
static constexpr double largeShare = 0.01;

double Plan::seconds() const {
  double sum = partition::costOf(priced.problem, choice) + outputs;
  for (double each : transfer)
    sum += each;
  return sum;
}

namespace {

class Planner {
public:
  Planner(const Graph &graph, const cost::Cluster &cluster, const Parallel &form, bool isForced)
      : graph(graph), cluster(cluster) {
    plan.form = form;
    Setting &setting = plan.setting;
    setting.isForced = isForced;
    for (const ParallelAxis &axis : form.axes)
      setting.mesh.push_back({axis.name, axis.size});
    setting.device = commonDevice(cluster, form.devices());
    setting.collectives = clusterSeconds(cluster, setting.mesh);
    setting.forcedFlops = forcedFlops();
    plan.capacity = setting.device.memoryBytes > 0 ? setting.device.memoryBytes : partition::Problem().capacity;
  }

  Plan run(double known);

private:
  double forcedFlops() const;
  void cut();
  Chain makeChain() const;
  void findTransfers();
  double moveSeconds(int producer, int result) const;

  const Graph &graph;
  const cost::Cluster &cluster;
  Plan plan;
};

} // namespace

/// Of the ops that can be split along "tensor": those with a part of the work worth mentioning, or the largest.
double Planner::forcedFlops() const {
  double largest = 0;
  for (const GraphOp &op : graph.ops)
    if (std::any_of(op.loops.begin(), op.loops.end(),
                    [](const Loop &loop) { return !loop.isBatch && loop.extent > 1; }))
      largest = std::max(largest, op.flops);
  return std::min(largest, largeShare * graph.flops);
}

Plan Planner::run(double known) {
  const int64_t most = partition::Problem().capacity;
  const int64_t all = plan.capacity > most / plan.form.stages ? most : plan.capacity * plan.form.stages;
  plan.priced = priceGraph(graph, plan.setting, all);
  for (const partition::Node &node : plan.priced.problem.nodes)
    plan.bound += *std::min_element(node.seconds.begin(), node.seconds.end());
  plan.isPruned = plan.bound >= known;
  if (plan.isPruned)
    return std::move(plan);
  partition::SolverOptions options;
  options.gap = 1e-4;
  auto answer = partition::solve(plan.priced.problem, options);
  if (!answer || !answer->found()) {
    plan.shortage = answer ? partition::explain(plan.priced.problem, *answer) : answer.takeStatus();
    return std::move(plan);
  }
  plan.bound = answer->bound;
  plan.choice = std::move(answer->choice);
  plan.stages.assign(graph.ops.size(), 0);
  plan.transfer.assign(plan.form.stages, 0);
  if (plan.form.stages > 1)
    cut();
  return std::move(plan);
}

/// Seconds for one device of a stage to send its part of a result to the next.
double Planner::moveSeconds(int producer, int result) const {
  const cost::Link link = stageLink(cluster, plan.form.devices() / plan.form.stages, plan.form.stages);
  const double bytes = double(partition::partBytes(graph.ops[producer].results[result].shape, plan.setting.mesh,
                                                   plan.strategyOf(producer).results[result].axes));
  return link.latency + bytes / link.bandwidth;
}

Chain Planner::makeChain() const {
  const int count = int(graph.ops.size());
  const partition::Problem &problem = plan.priced.problem;
  Chain chain;
  chain.entry.assign(count + 1, 0);
  chain.weights.assign(count, 0);
  chain.live.assign(count, graph.inputBytes);
  chain.capacity = plan.capacity;
  for (int i = 0; i < count; ++i) {
    chain.seconds.push_back(problem.nodes[i].seconds[plan.choice[i]]);
    for (const partition::Tensor &tensor : problem.nodes[i].tensors) {
      const int64_t bytes = tensor.bytes[plan.choice[i]];
      if (tensor.first == 0 && tensor.last == count)
        chain.weights[i] += bytes;
      else
        for (int point = tensor.first; point <= std::min(tensor.last, count - 1); ++point)
          chain.live[point] += bytes;
    }
  }
  for (const partition::Edge &edge : problem.edges)
    if (edge.consumer < count)
      chain.seconds[edge.consumer] +=
          edge.seconds[size_t(plan.choice[edge.producer]) * problem.nodes[edge.consumer].seconds.size() +
                       plan.choice[edge.consumer]];
  std::vector<int> last(count, -1); // the last op that reads it
  for (int i = 0; i < count; ++i)
    for (const Operand &operand : graph.ops[i].operands)
      if (operand.producer >= 0)
        last[operand.producer] = i;
  for (int i = 0; i < count; ++i)
    for (int k = i + 1; k <= last[i]; ++k)
      chain.entry[k] += moveSeconds(i, 0);
  return chain;
}

/// What each stage receives: every result of another stage that one of its ops reads, once.
void Planner::findTransfers() {
  std::set<std::tuple<int, int, int>> sent;
  for (size_t i = 0; i < graph.ops.size(); ++i)
    for (const Operand &operand : graph.ops[i].operands)
      if (operand.producer >= 0 && plan.stages[operand.producer] != plan.stages[i] &&
          sent.insert({operand.producer, operand.result, plan.stages[i]}).second)
        plan.transfer[plan.stages[i]] += moveSeconds(operand.producer, operand.result);
  for (const Operand &output : graph.outputs)
    if (output.producer >= 0 && plan.stages[output.producer] != 0)
      plan.outputs += moveSeconds(output.producer, output.result);
}

void Planner::cut() {
  const std::vector<int> firsts = cutStages(makeChain(), plan.form.stages);
  if (firsts.empty()) {
    plan.choice.clear();
    plan.shortage = Status::error("TN4002", llvm::formatv("no cut into {0} stages fits {1:F1} MB a device",
                                                          plan.form.stages, double(plan.capacity) / 1e6));
    return;
  }
  for (size_t stage = 0; stage < firsts.size(); ++stage)
    std::fill(plan.stages.begin() + firsts[stage], plan.stages.end(), int(stage));
  findTransfers();
}

Plan choice::makePlan(const Graph &graph, const cost::Cluster &cluster, const Parallel &form, bool isForced,
                      double known) {
  return Planner(graph, cluster, form, isForced).run(known);
}
