//===- ChoosePlan.cpp - The best choice for one form ----------------------===//
#include "ChoosePlan.h"

#include "ChooseMesh.h"
#include "ChooseStages.h"
#include "tenon/Partition/Solver.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/GlobPattern.h"
#include <algorithm>
#include <map>
#include <numeric>
#include <set>

using namespace tenon;
using namespace tenon::choice;

/// An op with less than this part of the work may stay whole along an axis that was asked for.
static constexpr double largeShare = 0.01;
static constexpr int maxMicrobatches = 128;

double Plan::seconds() const {
  if (!schedule.empty())
    return timeline.makespan + optimizer;
  double sum = partition::costOf(priced.problem, choice) + outputs;
  for (double each : transfer)
    sum += each;
  return sum;
}

namespace {

class Planner {
public:
  Planner(const Graph &graph, const PartitionOptions &options, const Parallel &form)
      : graph(graph), cluster(options.cluster), pins(options.pins) {
    plan.form = form;
    Setting &setting = plan.setting;
    setting.isForced = !options.parallel.isAuto;
    for (const ParallelAxis &axis : form.axes)
      setting.mesh.push_back({axis.name, axis.size});
    chooseDevice();
    setting.collectives = clusterSeconds(cluster, setting.mesh);
    setting.forcedFlops = forcedFlops();
    setting.inputBytes = graph.inputBytes / (isTraining() ? copies() : 1); // for a run every device gets all of them
    plan.capacity = setting.device.memoryBytes > 0 ? setting.device.memoryBytes : partition::Problem().capacity;
  }

  Plan run(double known);

private:
  void chooseDevice();
  double secondsOn(const cost::Device &device) const;
  double forcedFlops() const;
  bool attempt(double capacity, bool recomputes);
  Status addPins();
  bool fits() const {
    const std::vector<int64_t> usage = partition::usageOf(plan.priced.problem, plan.choice);
    return *std::max_element(usage.begin(), usage.end()) <= plan.capacity;
  }
  bool cut();
  Chain makeChain() const;
  void addMemory(Chain &chain) const;
  std::vector<double> findSeconds() const;
  std::vector<int> microbatchCounts() const;
  int64_t copies() const {
    int64_t count = 1;
    for (const ParallelAxis &axis : plan.form.axes)
      count *= axis.name == "data" ? axis.size : 1;
    return count;
  }
  bool isTraining() const { return graph.forwardOps < int(graph.ops.size()); }
  double launchOf(int op) const {
    return graph.ops[op].isFused || graph.ops[op].isView ? 0 : plan.setting.device.launchSeconds;
  }
  double slowestStage(int fewest, int most) const;
  double boundOf(double seconds) const;
  void findTransfers();
  void schedule();
  double moveSeconds(int producer, int result) const;

  const Graph &graph;
  const cost::Cluster &cluster;
  const std::vector<PartitionPin> &pins;
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

/// Of all kernels on one device.
double Planner::secondsOn(const cost::Device &device) const {
  Setting alone;
  alone.device = device;
  double seconds = 0;
  for (const GraphOp &op : graph.ops)
    seconds += std::max(0.0, enumerateStrategies(op, alone).front().compute);
  return seconds;
}

/// Work is priced on the slowest of the devices. Where an axis has faster ones as well, they take more of what it
/// splits, so that all are ready at the same time; stages do not.
void Planner::chooseDevice() {
  Setting &setting = plan.setting;
  const std::vector<size_t> groups = groupsOf(cluster, plan.form.devices());
  setting.device = cluster.groups.front().device;
  setting.factors.assign(setting.mesh.size(), 1);
  if (groups.back() == 0)
    return;
  std::vector<double> seconds;
  for (size_t i = 0; i <= groups.back(); ++i)
    seconds.push_back(secondsOn(cluster.groups[i].device));
  const size_t slowest = std::max_element(seconds.begin(), seconds.end()) - seconds.begin();
  setting.device = cluster.groups[slowest].device;
  for (size_t i = 0; i <= groups.back(); ++i)
    setting.device.memoryBytes = std::min(setting.device.memoryBytes, cluster.groups[i].device.memoryBytes);
  if (plan.form.stages > 1)
    return;
  plan.shares = sharesOf(groups, seconds, setting.mesh);
  int64_t inner = int64_t(groups.size());
  for (size_t axis = 0; axis < setting.mesh.size(); ++axis) {
    inner /= setting.mesh[axis].size;
    const std::vector<int64_t> &shares = plan.shares[axis];
    const double all = double(std::accumulate(shares.begin(), shares.end(), int64_t(0)));
    double longest = 0;
    for (size_t rank = 0; !shares.empty() && rank < groups.size(); ++rank)
      longest = std::max(longest,
                         double(shares[int64_t(rank) / inner % setting.mesh[axis].size]) / all * seconds[groups[rank]]);
    if (!shares.empty())
      setting.factors[axis] = longest * setting.mesh[axis].size / seconds[slowest];
  }
}

namespace {

/// What a stage has to do at each operation of the way there, at least: its part of the way back and the optimizer too.
struct StageWork {
  std::vector<double> start, seconds;         ///< of all; no device can begin before a microbatch has come so far
  std::vector<double> backStart, backSeconds; ///< of the way back, that far and back

  /// Seconds until the stage of operations [first, last] is ready, for all of them: [first * count + last]. It works
  /// through everything; through what starts no earlier than its first operation, after that; and through the way back
  /// of what starts no earlier than that of its last one.
  std::vector<double> stages() const {
    const size_t count = seconds.size();
    std::vector<double> ready(count * count, 0);
    for (size_t first = 0; first < count; ++first) {
      double all = 0, late = start[first];
      for (size_t last = first; last < count; ++last) {
        all += seconds[last];
        late += start[last] >= start[first] ? seconds[last] : 0;
        ready[first * count + last] = std::max(all, late);
      }
    }
    for (size_t last = 0; last < count; ++last) {
      double late = backSeconds[last] > 0 ? backStart[last] : 0;
      for (size_t first = last + 1; first-- > 0;) {
        late += backStart[first] >= backStart[last] ? backSeconds[first] : 0;
        ready[first * count + last] = std::max(ready[first * count + last], late);
      }
    }
    return ready;
  }
};

} // namespace

/// Seconds of the slowest stage of any cut, at least, with `fewest` to `most` microbatches.
double Planner::slowestStage(int fewest, int most) const {
  const int count = graph.forwardOps, all = int(graph.ops.size());
  std::vector<double> least(all), start(all, 0);
  StageWork work;
  work.seconds.assign(count, 0);
  work.backSeconds.assign(count, 0);
  work.backStart.assign(count, infinity);
  for (int i = 0; i < all; ++i) {
    const GraphOp &op = graph.ops[i];
    const std::vector<double> &prices = plan.priced.problem.nodes[i].seconds;
    least[i] = *std::min_element(prices.begin(), prices.end());
    for (const Operand &operand : op.operands)
      if (operand.producer >= 0 && operand.producer < i)
        start[i] = std::max(start[i], start[operand.producer] + least[operand.producer] / most);
    const double launches = op.phase == "optimizer" ? 0 : (fewest - 1) * std::min(launchOf(i), least[i]);
    work.seconds[op.home] += least[i] + launches;
    if (i < count)
      continue;
    work.backSeconds[op.home] += least[i] + launches;
    work.backStart[op.home] = std::min(work.backStart[op.home], start[i]);
  }
  work.start.assign(start.begin(), start.begin() + count);
  const std::vector<double> ready = work.stages();
  std::vector<double> slowest(count + 1, infinity); // of the stages before an operation
  slowest[0] = 0;
  for (int stage = 0; stage < plan.form.stages; ++stage) {
    std::vector<double> next(count + 1, infinity);
    for (int first = stage; first < count; ++first)
      for (int last = first; last < count; ++last)
        next[last + 1] = std::min(next[last + 1], std::max(slowest[first], ready[size_t(first) * count + last]));
    slowest = std::move(next);
  }
  return slowest[count];
}

/// Of a run or step, where one device of each kind would take `seconds` at least. The stages of a step work at the same
/// time; each microbatch goes all the way there and back.
double Planner::boundOf(double seconds) const {
  if (!isTraining() || plan.form.stages == 1)
    return seconds;
  double launches = 0, way = 0;
  for (int i = 0; i < int(graph.ops.size()); ++i) {
    const std::vector<double> &prices = plan.priced.problem.nodes[i].seconds;
    const double least = *std::min_element(prices.begin(), prices.end());
    const bool isOptimizer = graph.ops[i].phase == "optimizer";
    launches += isOptimizer ? 0 : std::min(launchOf(i), least);
    way += isOptimizer || graph.ops[i].phase == "weight gradient" ? 0 : least;
  }
  double bound = infinity;
  for (int fewest = 1, all = microbatchCounts().back(); fewest <= all;) {
    const int most = std::min(all, fewest + fewest / 4); // alike enough to look at together
    const double even = (seconds + (fewest - 1) * launches) / plan.form.stages;
    bound = std::min(bound, std::max({even, slowestStage(fewest, most), way / most}));
    fewest = most + 1;
  }
  return bound;
}

/// Asks for the strategies that are pinned. A node may be several ops: those that have the strategy take it. What a
/// step of training does beside is free.
Status Planner::addPins() {
  for (const PartitionPin &pin : pins) {
    std::map<std::string, int> refusing; // nodes of which no op has taken it so far
    std::set<std::string> taken;
    for (int i = 0; i < graph.forwardOps; ++i) {
      const std::vector<Strategy> &strategies = plan.priced.strategies[i];
      if (!matches(pin, graph.ops[i].node))
        continue;
      auto found = llvm::find_if(strategies, [&](const Strategy &s) { return s.name == pin.strategy; });
      if (found == strategies.end()) {
        refusing.try_emplace(graph.ops[i].node, i);
        continue;
      }
      taken.insert(graph.ops[i].node);
      plan.priced.problem.pins.push_back({i, int(found - strategies.begin())});
    }
    for (const auto &[node, op] : refusing)
      if (!taken.contains(node))
        return Status::error(
            "TN4023",
            "it cannot be split as " + pin.strategy + ", but: " +
                llvm::join(llvm::map_range(plan.priced.strategies[op], [](const Strategy &s) { return s.name; }), ", "),
            node);
  }
  return Status::success();
}

/// Solves for `capacity` bytes a device; true if the answer fits and can be cut.
bool Planner::attempt(double capacity, bool recomputes) {
  const int64_t most = partition::Problem().capacity;
  const double all = capacity * plan.form.stages;
  plan.priced = priceGraph(graph, plan.setting, all < double(most) ? int64_t(all) : most, recomputes);
  if (Status pinned = addPins(); !pinned.ok()) {
    plan.choice.clear();
    plan.shortage = std::move(pinned);
    return false;
  }
  partition::SolverOptions options;
  options.gap = 1e-4;
  auto answer = partition::solve(plan.priced.problem, options);
  if (!answer || !answer->found()) {
    plan.choice.clear();
    plan.shortage = answer ? partition::explain(plan.priced.problem, *answer) : answer.takeStatus();
    return false;
  }
  if (capacity >= double(plan.capacity))
    plan.bound = std::max(plan.bound, boundOf(answer->bound));
  plan.strategyGap = answer->gap();
  plan.choice = std::move(answer->choice);
  plan.stages.assign(graph.ops.size(), 0);
  plan.transfer.assign(plan.form.stages, 0);
  return plan.form.stages == 1 || cut();
}

/// A step of training is solved as if memory were no matter, which bounds all plans; where that does not fit, with
/// recomputation, and for less memory than there is as long as no cut fits.
Plan Planner::run(double known) {
  const PricedGraph first = priceGraph(graph, plan.setting, partition::Problem().capacity);
  double kernels = 0;
  for (const partition::Node &node : first.problem.nodes)
    kernels += *std::min_element(node.seconds.begin(), node.seconds.end());
  plan.priced = first;
  if (const double least = boundOf(kernels); least >= known) {
    plan.bound = least;
    plan.isPruned = true;
    return std::move(plan);
  }
  const double capacity = double(plan.capacity);
  if (!isTraining()) {
    attempt(capacity, false);
    return std::move(plan);
  }
  if (attempt(infinity, false) && (plan.form.stages > 1 || fits()))
    return std::move(plan);
  for (double part : {1.0, 0.6, 0.35})
    if (attempt(part * capacity, true) || plan.form.stages == 1)
      break;
  return std::move(plan);
}

/// Seconds for one device of a stage to send its part of a result to the next.
double Planner::moveSeconds(int producer, int result) const {
  const cost::Link link = stageLink(cluster, plan.form.devices() / plan.form.stages, plan.form.stages);
  const double bytes = double(partition::partBytes(graph.ops[producer].results[result].shape, plan.setting.mesh,
                                                   plan.strategyOf(producer).results[result].axes));
  return link.latency + bytes / link.bandwidth;
}

/// Seconds of each op with what it waits for.
std::vector<double> Planner::findSeconds() const {
  const partition::Problem &problem = plan.priced.problem;
  std::vector<double> seconds;
  for (size_t i = 0; i < graph.ops.size(); ++i)
    seconds.push_back(problem.nodes[i].seconds[plan.choice[i]]);
  for (const partition::Edge &edge : problem.edges)
    if (edge.consumer < int(graph.ops.size()))
      seconds[edge.consumer] +=
          edge.seconds[size_t(plan.choice[edge.producer]) * problem.nodes[edge.consumer].seconds.size() +
                       plan.choice[edge.consumer]];
  return seconds;
}

/// Few leave stages idle, many launch small kernels: of at least one sample each.
std::vector<int> Planner::microbatchCounts() const {
  if (!isTraining())
    return {1};
  const int most = int(std::clamp<int64_t>(graph.samples / copies(), 1, maxMicrobatches));
  std::vector<int> counts;
  for (int count = plan.form.stages; count < most; count *= 2)
    counts.push_back(count);
  counts.push_back(most);
  return counts;
}

/// What is kept for the way back is there for as many microbatches as are under way.
void Planner::addMemory(Chain &chain) const {
  const int count = graph.forwardOps, points = int(graph.ops.size());
  const int batches = plan.pipeline.microbatches, underWay = std::min(batches, plan.form.stages);
  for (int i = 0; i < points; ++i)
    for (const partition::Tensor &tensor : plan.priced.problem.nodes[i].tensors) {
      const int64_t bytes = tensor.bytes[plan.choice[i]];
      const int home = graph.ops[i].home;
      if (tensor.first == 0 && tensor.last == points)
        chain.weights[home] += bytes;
      else if (tensor.first < count && tensor.last >= count)
        chain.weights[home] += bytes / batches * underWay;
      else
        for (int point = tensor.first; point <= std::min(tensor.last, points - 1); ++point)
          chain.live[graph.ops[point].home] += bytes / batches;
    }
}

/// Ops of the way back are where those of the way there are.
Chain Planner::makeChain() const {
  const int count = graph.forwardOps;
  Chain chain;
  chain.seconds.assign(count, 0);
  chain.entry.assign(count + 1, 0);
  chain.weights.assign(count, 0);
  chain.live.assign(count, plan.setting.inputBytes);
  chain.capacity = plan.capacity;
  const std::vector<double> seconds = findSeconds();
  for (size_t i = 0; i < seconds.size(); ++i)
    chain.seconds[graph.ops[i].home] += seconds[i];
  chain.isJoined.assign(count, false);
  for (int i = 0; i < count; ++i)
    for (const Operand &operand : graph.ops[i].operands)
      if (operand.isFused)
        std::fill(chain.isJoined.begin() + operand.producer + 1, chain.isJoined.begin() + i + 1, true);
  if (plan.setting.isForced)
    for (int i = 0; i < count; ++i)
      chain.flops.push_back(graph.ops[i].flops);
  addMemory(chain);
  std::vector<int> last(count, -1); // the last op that reads it
  for (int i = 0; i < count; ++i)
    for (const Operand &operand : graph.ops[i].operands)
      if (operand.producer >= 0)
        last[operand.producer] = i;
  for (int i = 0; i < count; ++i)
    for (int k = i + 1; k <= last[i]; ++k)
      chain.entry[k] += moveSeconds(i, 0) * (isTraining() ? 2 : 1);
  return chain;
}

/// What each stage receives: every result of another stage that one of its ops reads, once. What the way back reads of
/// the way there has come before.
void Planner::findTransfers() {
  std::set<std::tuple<int, int, int>> sent;
  plan.transfer.assign(plan.form.stages, 0);
  plan.outputs = 0;
  for (int i = 0; i < int(graph.ops.size()); ++i)
    for (const Operand &operand : graph.ops[i].operands)
      if (operand.producer >= 0 && plan.stages[operand.producer] != plan.stages[i] &&
          (i < graph.forwardOps) == (operand.producer < graph.forwardOps) &&
          sent.insert({operand.producer, operand.result, plan.stages[i]}).second)
        plan.transfer[plan.stages[i]] += moveSeconds(operand.producer, operand.result);
  for (const Operand &output : graph.outputs)
    if (output.producer >= 0 && plan.stages[output.producer] != 0)
      plan.outputs += moveSeconds(output.producer, output.result);
}

/// The better of 1F1B and zero-bubble H1, which hold as much.
void Planner::schedule() {
  partition::Pipeline &pipeline = plan.pipeline;
  pipeline.stages = plan.form.stages;
  pipeline.times.assign(pipeline.stages, {});
  std::vector<double> optimizers(pipeline.stages);
  const std::vector<double> seconds = findSeconds();
  for (size_t i = 0; i < seconds.size(); ++i) {
    const std::string &phase = graph.ops[i].phase;
    partition::PassSeconds &times = pipeline.times[plan.stages[i]];
    double &time = phase == "optimizer"         ? optimizers[plan.stages[i]]
                   : phase == "input gradient"  ? times.backwardInput
                   : phase == "weight gradient" ? times.backwardWeight
                                                : times.forward;
    const double launch = std::min(seconds[i], launchOf(int(i)));
    time += phase == "optimizer" ? seconds[i] : launch + (seconds[i] - launch) / pipeline.microbatches;
  }
  plan.optimizer = *std::max_element(optimizers.begin(), optimizers.end());
  pipeline.transferSeconds = *std::max_element(plan.transfer.begin(), plan.transfer.end()) / 2 / pipeline.microbatches;
  plan.schedule.clear();
  for (partition::Schedule &order : std::vector{oneForwardOneBackward(pipeline), zeroBubble(pipeline, 1)}) {
    auto timeline = simulate(pipeline, order);
    if (timeline && (plan.schedule.empty() || timeline->makespan < plan.timeline.makespan)) {
      plan.timeline = std::move(*timeline);
      plan.schedule = std::move(order);
    }
  }
}

bool Planner::cut() {
  std::optional<Plan> best;
  for (int count : microbatchCounts()) {
    plan.pipeline.microbatches = count;
    const std::vector<int> firsts = cutStages(makeChain(), plan.form.stages);
    if (firsts.empty())
      continue;
    for (size_t i = 0; i < graph.ops.size(); ++i)
      plan.stages[i] = int(std::upper_bound(firsts.begin(), firsts.end(), graph.ops[i].home) - firsts.begin()) - 1;
    findTransfers();
    if (isTraining())
      schedule();
    if (!best || plan.seconds() < best->seconds())
      best = plan;
  }
  if (best) {
    plan = std::move(*best);
    return true;
  }
  plan.choice.clear();
  plan.shortage = Status::error("TN4002", llvm::formatv("no cut into {0} stages fits {1:F1} MB a device",
                                                        plan.form.stages, double(plan.capacity) / 1e6));
  return false;
}

bool choice::matches(const PartitionPin &pin, llvm::StringRef node) {
  std::string pattern; // all but * stands for itself
  for (char c : pin.node) {
    if (llvm::StringRef("?[]{}^!-\\\\").contains(c))
      pattern += '\\';
    pattern += c;
  }
  auto glob = llvm::GlobPattern::create(pattern);
  if (!glob) {
    llvm::consumeError(glob.takeError());
    return false;
  }
  return glob->match(node);
}

Plan choice::makePlan(const Graph &graph, const PartitionOptions &options, const Parallel &form, double known) {
  return Planner(graph, options, form).run(known);
}
