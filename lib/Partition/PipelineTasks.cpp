//===- PipelineTasks.cpp - A pipeline's step as tasks ---------------------===//
#include "tenon/Partition/PipelineTasks.h"

namespace tenon::partition {
namespace {

class Builder {
public:
  Builder(const Pipeline &pipeline, const Schedule &schedule, const PipelineCosts &costs)
      : pipeline(pipeline), schedule(schedule), costs(costs),
        forward(size_t(pipeline.parts()) * size_t(pipeline.microbatches), -1), backward(forward), weights(forward) {}

  PipelineTasks run() {
    TaskGraph &graph = built.graph;
    graph.devices = pipeline.stages;
    graph.links = costs.links;
    built.passes.resize(schedule.size());
    for (size_t stage = 0; stage < schedule.size(); ++stage)
      graph.streams.push_back({"stage " + std::to_string(stage), int(stage)});
    for (size_t stage = 0; stage < schedule.size(); ++stage)
      for (const Pass &pass : schedule[stage])
        addPass(int(stage), pass);
    for (size_t stage = 0; stage < schedule.size(); ++stage)
      for (const Pass &pass : schedule[stage])
        connect(int(stage), pass);
    if (!costs.stages.empty())
      for (size_t stage = 0; stage < schedule.size(); ++stage)
        finish(int(stage));
    return std::move(built);
  }

private:
  size_t at(int part, int microbatch) const {
    return size_t(part) * size_t(pipeline.microbatches) + size_t(microbatch);
  }
  int partOf(int stage, const Pass &pass) const { return pass.chunk * pipeline.stages + stage; }

  int add(Task task) {
    built.graph.tasks.push_back(std::move(task));
    return int(built.graph.tasks.size()) - 1;
  }

  void addPass(int stage, const Pass &pass);
  void connect(int stage, const Pass &pass);
  void hold(int stage, int part, int microbatch);
  void finish(int stage);
  /// A task that brings what `producer` made to the part after or before; the producer itself where all is one stage.
  int transfer(int producer, const std::string &what, const std::vector<LinkLoad> *loads);

  const Pipeline &pipeline;
  const Schedule &schedule;
  const PipelineCosts &costs;
  PipelineTasks built;
  std::vector<int> forward, backward, weights; ///< tasks by part and microbatch; -1: not in the schedule
};

} // namespace

void Builder::addPass(int stage, const Pass &pass) {
  const PassSeconds &times = pipeline.times[size_t(partOf(stage, pass))];
  const size_t place = at(partOf(stage, pass), pass.microbatch);
  const bool isForward = pass.kind == PassKind::Forward;
  const double seconds = isForward                               ? times.forward
                         : pass.kind == PassKind::BackwardInput  ? times.backwardInput
                         : pass.kind == PassKind::BackwardWeight ? times.backwardWeight
                                                                 : times.backwardInput + times.backwardWeight;
  const char *letter = isForward                               ? "F"
                       : pass.kind == PassKind::BackwardInput  ? "I"
                       : pass.kind == PassKind::BackwardWeight ? "W"
                                                               : "B";
  std::string name = letter + std::to_string(pass.microbatch);
  if (pipeline.chunks > 1)
    name += "." + std::to_string(pass.chunk);
  const int task = add({std::move(name), {stage}, seconds, {}, {}});
  built.passes[size_t(stage)].push_back(task);
  if (isForward)
    forward[place] = task;
  else if (pass.kind != PassKind::BackwardWeight)
    backward[place] = task;
  if (pass.kind == PassKind::Backward || pass.kind == PassKind::BackwardWeight)
    weights[place] = task;
}

int Builder::transfer(int producer, const std::string &what, const std::vector<LinkLoad> *loads) {
  if (producer < 0 || pipeline.stages == 1)
    return producer;
  Task task{what + built.graph.tasks[size_t(producer)].name, {}, pipeline.transferSeconds, {}, {producer}};
  if (loads)
    task.loads = *loads;
  return add(std::move(task));
}

void Builder::connect(int stage, const Pass &pass) {
  const int part = partOf(stage, pass);
  auto after = [&](int task, int before) {
    if (before >= 0)
      built.graph.tasks[size_t(task)].after.push_back(before);
  };
  const size_t place = at(part, pass.microbatch);
  const auto *mine = costs.stages.empty() ? nullptr : &costs.stages[size_t(stage)];
  switch (pass.kind) {
  case PassKind::Forward:
    if (part + 1 < pipeline.parts()) {
      const int next = forward[at(part + 1, pass.microbatch)];
      const int moved = transfer(forward[place], "send ", mine ? &mine->forward : nullptr);
      if (next >= 0)
        after(next, moved);
    }
    if (mine)
      hold(stage, part, pass.microbatch);
    return;
  case PassKind::Backward:
  case PassKind::BackwardInput:
    after(backward[place], forward[place]);
    if (part > 0) {
      const int next = backward[at(part - 1, pass.microbatch)];
      const int moved = transfer(backward[place], "send ", mine ? &mine->backward : nullptr);
      if (next >= 0)
        after(next, moved);
    }
    return;
  case PassKind::BackwardWeight:
    after(weights[place], backward[place]);
    return;
  }
}

void Builder::hold(int stage, int part, int microbatch) {
  const PipelineCosts::OfStage &mine = costs.stages[size_t(stage)];
  const size_t place = at(part, microbatch);
  auto buffer = [&](double bytes, int from, int until) {
    TaskBuffer held{"activations " + std::to_string(microbatch), stage, bytes, from, {}};
    if (until >= 0)
      held.last = {until};
    if (bytes > 0)
      built.graph.buffers.push_back(std::move(held));
  };
  if (backward[place] == weights[place])
    return buffer(mine.bytesPerMicrobatch, forward[place], backward[place]);
  // What is computed again can be more than what was kept.
  const double late = std::min(mine.bytesForWeights, mine.bytesPerMicrobatch);
  buffer(mine.bytesPerMicrobatch - late, forward[place], backward[place]);
  buffer(late, forward[place], weights[place]);
  buffer(mine.bytesForWeights - late, backward[place], weights[place]);
}

void Builder::finish(int stage) {
  const PipelineCosts::OfStage &mine = costs.stages[size_t(stage)];
  built.graph.buffers.push_back({"parameters", stage, mine.fixedBytes, -1, {}});
  if (schedule[size_t(stage)].empty())
    return;
  Task sum{"gradients", {}, mine.gradientLatency, mine.gradients, {built.passes[size_t(stage)].back()}};
  const int gradients = add(std::move(sum));
  add({"optimizer", {stage}, mine.optimizer, {}, {gradients}});
}

PipelineTasks pipelineTasks(const Pipeline &pipeline, const Schedule &schedule, const PipelineCosts &costs) {
  assert(int(schedule.size()) == pipeline.stages && int(pipeline.times.size()) == pipeline.parts() &&
         (costs.stages.empty() || costs.stages.size() == schedule.size()) &&
         "a schedule and costs have an entry for every stage, and every chunk its times");
  return Builder(pipeline, schedule, costs).run();
}

} // namespace tenon::partition
