//===- JointRun.cpp - A plan of the joint search, simulated ---------------===//
#include "JointTables.h"

#include <algorithm>
#include <map>

namespace tenon::partition {

JointModel::~JointModel() = default;

std::string_view scheduleName(ScheduleKind kind) {
  constexpr std::string_view names[] = {"gpipe", "1f1b", "interleaved", "zero-bubble-h1", "zero-bubble-h2", "searched"};
  return names[size_t(kind)];
}

bool JointPins::allows(ScheduleKind kind) const {
  return schedules.empty() || std::find(schedules.begin(), schedules.end(), kind) != schedules.end();
}

static Status checkJointPlan(const JointProblem &problem, const JointPlan &plan) {
  auto fail = [](const std::string &what) { return Status::error("TN4017", what); };
  const size_t blocks = problem.model().chain().size();
  if (plan.forms.empty() || plan.chunks < 1 || plan.microbatches < 1 || problem.batch % plan.microbatches != 0)
    return fail("a batch of " + std::to_string(problem.batch) + " cannot be cut into " +
                std::to_string(plan.microbatches) + " microbatches");
  if (plan.chunks > 1 && plan.schedule != ScheduleKind::Interleaved)
    return fail("only interleaved schedules have several chunks a stage");
  if (plan.cuts.size() != plan.forms.size() * size_t(plan.chunks) + 1 || plan.cuts.front() != 0 ||
      size_t(plan.cuts.back()) != blocks || !std::is_sorted(plan.cuts.begin(), plan.cuts.end()))
    return fail("the stages of a plan do not cover the " + std::to_string(blocks) + " blocks of the model");
  if (plan.groups.size() != plan.forms.size())
    return fail("a plan names the group of each stage");
  for (size_t stage = 0; stage < plan.forms.size(); ++stage)
    if (plan.forms[stage].tensor < 1 || plan.forms[stage].data < 1 || plan.groups[stage] < 0 ||
        size_t(plan.groups[stage]) >= problem.groups.size())
      return fail("stage " + std::to_string(stage) + " has no devices, or is on a group that is not there");
  return Status::success();
}

namespace {

/// Turns a plan into tasks.
class Runner {
public:
  Runner(const JointProblem &problem, const JointPlan &plan) : problem(problem), plan(plan) {}
  Expected<JointRun> run();

private:
  /// Prices of a part of the chain in the form of its stage; TN4017 where it cannot be split so.
  Expected<Stretch> price(int part);
  Status addStage(int stage);
  const JointModel &modelOf(int stage) const { return *problem.groups[size_t(plan.groups[size_t(stage)])].model; }
  Expected<Schedule> order() const;
  void load(std::vector<LinkLoad> &loads, int from, int to, const Traffic &traffic) const;

  const JointProblem &problem;
  const JointPlan &plan;
  std::map<std::tuple<int, int, int, int, int>, BlockPrice> prices; ///< by group, kind and form
  PipelineCosts costs;
  std::vector<Stretch> held; ///< of each stage, all its chunks
  double handover = 0;       ///< seconds, of the slowest
  JointRun result;
};

} // namespace

Expected<Stretch> Runner::price(int part) {
  const int stage = part % plan.stages(), samples = problem.batch / plan.microbatches;
  const Form &form = plan.forms[size_t(stage)];
  const JointModel &model = modelOf(stage);
  Stretch sum;
  for (int block = plan.cuts[size_t(part)]; block < plan.cuts[size_t(part) + 1]; ++block) {
    const int kind = model.chain()[size_t(block)];
    auto [found, isNew] = prices.try_emplace({plan.groups[size_t(stage)], kind, form.tensor, form.data, form.variant});
    if (isNew) {
      auto price = model.price(kind, form, samples, plan.stages());
      if (!price)
        return Status::error("TN4017", "block " + std::to_string(block) + " with " + std::to_string(samples) +
                                           " samples cannot be split over " + std::to_string(form.data) +
                                           " copies of " + std::to_string(form.tensor) + " devices");
      found->second = *price;
    }
    const BlockPrice &price = found->second;
    sum.forward += price.seconds.forward;
    sum.input += price.seconds.backwardInput;
    sum.weight += price.seconds.backwardWeight;
    sum.parameters += price.parameters;
    sum.fixed += price.fixedBytes;
    sum.kept += price.keptBytes;
    sum.forWeights += price.forWeights;
    sum.working = std::max(sum.working, price.workingBytes);
  }
  return sum;
}

/// Links of a stage: in and out, between nodes and inside of one. A load is seconds of an idle link.
void Runner::load(std::vector<LinkLoad> &loads, int from, int to, const Traffic &traffic) const {
  const int ways = traffic.overNetwork ? 0 : 2;
  if (traffic.seconds > 0)
    loads.insert(loads.end(), {{4 * from + ways, traffic.seconds}, {4 * to + ways + 1, traffic.seconds}});
}

Status Runner::addStage(int stage) {
  PipelineCosts::OfStage &cost = costs.stages[size_t(stage)];
  Stretch &all = held[size_t(stage)];
  for (int chunk = 0; chunk < plan.chunks; ++chunk) {
    const int part = chunk * plan.stages() + stage;
    auto sum = price(part);
    if (!sum)
      return sum.status();
    result.pipeline.times[size_t(part)] = {sum->forward, sum->input, sum->weight};
    all.parameters += sum->parameters;
    all.fixed += sum->fixed;
    all.kept = std::max(all.kept, sum->kept);
    all.forWeights = std::max(all.forWeights, sum->forWeights);
    all.working = std::max(all.working, sum->working);
  }
  const Form &form = plan.forms[size_t(stage)];
  cost.fixedBytes = all.fixed + all.working;
  cost.bytesPerMicrobatch = all.kept;
  cost.bytesForWeights = all.forWeights;
  cost.optimizer = modelOf(stage).optimizer(all.parameters);
  const Traffic sum = modelOf(stage).gradients(all.parameters, form, plan.stages(), false);
  cost.gradientLatency = sum.latency;
  load(cost.gradients, stage, stage, sum);
  if (plan.stages() == 1)
    return Status::success();
  // Both sides of a cut have a say in how its bytes lie; chunks of a stage hand on alike.
  auto between = [&](int next) {
    const int cut = plan.cuts[size_t(std::max(stage, next))];
    const int samples = problem.batch / plan.microbatches;
    const Form &other = plan.forms[size_t(next)];
    const bool leaves = plan.groups[size_t(stage)] != plan.groups[size_t(next)];
    const Traffic a = modelOf(stage).transfer(cut, form, samples, plan.stages(), leaves);
    const Traffic b = modelOf(next).transfer(cut, other, samples, plan.stages(), leaves);
    return a.total() > b.total() ? a : b;
  };
  const int next = (stage + 1) % plan.stages(), before = (stage + plan.stages() - 1) % plan.stages();
  const Traffic forward = between(next), backward = between(before);
  result.pipeline.transferSeconds = std::max(result.pipeline.transferSeconds, forward.latency);
  handover = std::max(handover, forward.total());
  load(cost.forward, stage, next, forward);
  load(cost.backward, stage, before, backward);
  return Status::success();
}

Expected<Schedule> Runner::order() const {
  switch (plan.schedule) {
  case ScheduleKind::GPipe:
    return gpipe(result.pipeline);
  case ScheduleKind::OneForwardOneBackward:
    return oneForwardOneBackward(result.pipeline);
  case ScheduleKind::Interleaved:
    return interleaved(result.pipeline);
  case ScheduleKind::ZeroBubbleH1:
    return zeroBubble(result.pipeline, 1);
  case ScheduleKind::ZeroBubbleH2:
    return zeroBubble(result.pipeline, 2);
  case ScheduleKind::Searched:
    break;
  }
  std::vector<ActivationLimit> limits(held.size(), {1e9, 0});
  for (size_t stage = 0; stage < held.size(); ++stage)
    if (const Stretch &all = held[stage]; all.kept > 0)
      limits[stage] = {(problem.groups[size_t(plan.groups[stage])].memory - all.fixed - all.working) / all.kept,
                       all.forWeights / all.kept};
  Pipeline pipeline = result.pipeline;
  pipeline.transferSeconds = handover;
  return searchZeroBubble(pipeline, limits);
}

Expected<JointRun> Runner::run() {
  TENON_RETURN_IF_ERROR(checkJointPlan(problem, plan));
  result.pipeline.stages = plan.stages();
  result.pipeline.chunks = plan.chunks;
  result.pipeline.microbatches = plan.microbatches;
  result.pipeline.times.resize(size_t(result.pipeline.parts()));
  costs.stages.resize(plan.forms.size());
  held.resize(plan.forms.size());
  for (int stage = 0; stage < plan.stages(); ++stage) {
    for (const char *way : {" to other nodes", " from other nodes", " inside, out", " inside, in"})
      costs.links.push_back({"stage " + std::to_string(stage) + way, 1});
    TENON_RETURN_IF_ERROR(addStage(stage));
  }
  auto schedule = order();
  if (!schedule)
    return schedule.status();
  result.schedule = std::move(*schedule);
  result.tasks = pipelineTasks(result.pipeline, result.schedule, costs);
  auto timeline = simulate(result.tasks.graph);
  if (!timeline)
    return timeline.status();
  result.timeline = std::move(*timeline);
  result.seconds = result.timeline.makespan;
  result.peaks = result.timeline.peaks;
  double busiest = 0;
  for (size_t stage = 0; stage < result.tasks.passes.size(); ++stage) {
    double busy = 0;
    for (int pass : result.tasks.passes[stage])
      busy += result.timeline.tasks[size_t(pass)].end - result.timeline.tasks[size_t(pass)].start;
    busiest = std::max(busiest, busy);
  }
  result.bubble = 1 - busiest / result.seconds;
  return std::move(result);
}

Expected<JointRun> run(const JointProblem &problem, const JointPlan &plan) { return Runner(problem, plan).run(); }

} // namespace tenon::partition
