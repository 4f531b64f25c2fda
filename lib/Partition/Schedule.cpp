//===- Schedule.cpp - Pipeline schedules and their simulation -------------===//
#include "tenon/Partition/Schedule.h"

#include <algorithm>

namespace tenon::partition {

Schedule gpipe(const Pipeline &pipeline) {
  Schedule schedule(size_t(pipeline.stages));
  for (auto &passes : schedule) {
    for (int chunk = 0; chunk < pipeline.chunks; ++chunk)
      for (int i = 0; i < pipeline.microbatches; ++i)
        passes.push_back({PassKind::Forward, i, chunk});
    for (int chunk = pipeline.chunks; chunk-- > 0;)
      for (int i = 0; i < pipeline.microbatches; ++i)
        passes.push_back({PassKind::Backward, i, chunk});
  }
  return schedule;
}

Schedule oneForwardOneBackward(const Pipeline &pipeline) {
  const int count = pipeline.microbatches;
  Schedule schedule(size_t(pipeline.stages));
  for (int stage = 0; stage < pipeline.stages; ++stage) {
    auto &passes = schedule[size_t(stage)];
    const int ahead = std::min(count, pipeline.stages - 1 - stage);
    for (int i = 0; i < count + ahead; ++i) {
      if (i < count)
        passes.push_back({PassKind::Forward, i});
      if (i >= ahead)
        passes.push_back({PassKind::Backward, i - ahead});
    }
  }
  return schedule;
}

Expected<Schedule> interleaved(const Pipeline &pipeline) {
  const int stages = pipeline.stages, chunks = pipeline.chunks, count = pipeline.microbatches;
  if (chunks == 1 || stages == 1)
    return oneForwardOneBackward(pipeline);
  if (count % stages != 0)
    return Status::error("TN4011", "an interleaved pipeline of " + std::to_string(stages) +
                                       " stages takes multiples of as many microbatches, got " + std::to_string(count));
  // Microbatches go in groups of as many as there are stages: a group through chunk 0, then through chunk 1, ..
  auto pass = [&](PassKind kind, int index) {
    const int group = index / (stages * chunks), within = index % (stages * chunks), chunk = within / stages;
    return Pass{kind, group * stages + within % stages, kind == PassKind::Forward ? chunk : chunks - 1 - chunk};
  };
  auto schedule = Schedule(size_t(stages));
  const int total = count * chunks;
  for (int stage = 0; stage < stages; ++stage) {
    const int ahead = std::min(total, 2 * (stages - 1 - stage) + (chunks - 1) * stages);
    for (int i = 0; i < total + ahead; ++i) {
      if (i < total)
        schedule[size_t(stage)].push_back(pass(PassKind::Forward, i));
      if (i >= ahead)
        schedule[size_t(stage)].push_back(pass(PassKind::Backward, i - ahead));
    }
  }
  return schedule;
}

Schedule zeroBubble(const Pipeline &pipeline, int depth) {
  const int count = pipeline.microbatches;
  Schedule schedule(size_t(pipeline.stages));
  for (int stage = 0; stage < pipeline.stages; ++stage) {
    auto &passes = schedule[size_t(stage)];
    const int ahead = std::min(count, depth * (pipeline.stages - 1 - stage));
    const int behind = depth * stage; // gradients of weights that are put off
    int weights = 0;
    for (int i = 0; i < ahead; ++i)
      passes.push_back({PassKind::Forward, i});
    for (int i = 0; i < count; ++i) {
      const bool isLastForward = ahead + i >= count;
      if (!isLastForward)
        passes.push_back({PassKind::Forward, ahead + i});
      passes.push_back({PassKind::BackwardInput, i});
      if (isLastForward || i >= behind)
        passes.push_back({PassKind::BackwardWeight, weights++});
    }
    while (weights < count)
      passes.push_back({PassKind::BackwardWeight, weights++});
  }
  return schedule;
}

double peakActivations(const std::vector<Pass> &passes, double keptForWeights) {
  double now = 0, peak = 0;
  for (const Pass &pass : passes) {
    switch (pass.kind) {
    case PassKind::Forward:
      now += 1;
      break;
    case PassKind::Backward:
      now -= 1;
      break;
    case PassKind::BackwardInput:
      now -= 1 - keptForWeights;
      break;
    case PassKind::BackwardWeight:
      now -= keptForWeights;
      break;
    }
    peak = std::max(peak, now);
  }
  return peak;
}

namespace {

/// Ends of passes, by part of the model and microbatch; negative until known.
class Simulator {
public:
  Simulator(const Pipeline &pipeline, const Schedule &schedule, double keptForWeights)
      : pipeline(pipeline), schedule(schedule), kept(keptForWeights),
        forwardEnds(size_t(pipeline.parts()) * size_t(pipeline.microbatches), -1), backwardEnds(forwardEnds) {}

  Expected<PassTimeline> run();

private:
  double &end(std::vector<double> &ends, int part, int microbatch) {
    return ends[size_t(part) * size_t(pipeline.microbatches) + size_t(microbatch)];
  }
  /// When the operands of `pass` are there; negative if that is not known yet.
  double ready(int stage, const Pass &pass);
  /// Runs passes of `stage` until one must wait for another stage. Returns whether any ran.
  bool advance(int stage);
  Status checkComplete() const;
  void summarize();

  const Pipeline &pipeline;
  const Schedule &schedule;
  double kept;
  std::vector<double> forwardEnds, backwardEnds;
  PassTimeline timeline;
};

} // namespace

double Simulator::ready(int stage, const Pass &pass) {
  const int part = pass.chunk * pipeline.stages + stage;
  auto after = [&](double end) { return end < 0 ? end : end + (pipeline.stages > 1 ? pipeline.transferSeconds : 0); };
  switch (pass.kind) {
  case PassKind::Forward:
    return part == 0 ? 0 : after(end(forwardEnds, part - 1, pass.microbatch));
  case PassKind::Backward:
  case PassKind::BackwardInput: {
    const double own = end(forwardEnds, part, pass.microbatch);
    if (own < 0 || part == pipeline.parts() - 1)
      return own;
    const double next = after(end(backwardEnds, part + 1, pass.microbatch));
    return next < 0 ? next : std::max(own, next);
  }
  case PassKind::BackwardWeight:
    return end(backwardEnds, part, pass.microbatch);
  }
  assert(false && "all kinds are handled");
  return -1;
}

static double secondsOf(const PassSeconds &times, PassKind kind) {
  switch (kind) {
  case PassKind::Forward:
    return times.forward;
  case PassKind::Backward:
    return times.backwardInput + times.backwardWeight;
  case PassKind::BackwardInput:
    return times.backwardInput;
  case PassKind::BackwardWeight:
    return times.backwardWeight;
  }
  return 0;
}

bool Simulator::advance(int stage) {
  auto &entries = timeline.entries[size_t(stage)];
  const auto &passes = schedule[size_t(stage)];
  const size_t before = entries.size();
  for (; entries.size() < passes.size();) {
    const Pass &pass = passes[entries.size()];
    const double operands = ready(stage, pass);
    if (operands < 0)
      break;
    const int part = pass.chunk * pipeline.stages + stage;
    const double start = std::max(operands, entries.empty() ? 0 : entries.back().end);
    const double finish = start + secondsOf(pipeline.times[size_t(part)], pass.kind);
    entries.push_back({start, finish});
    if (pass.kind == PassKind::Forward)
      end(forwardEnds, part, pass.microbatch) = finish;
    else if (pass.kind != PassKind::BackwardWeight)
      end(backwardEnds, part, pass.microbatch) = finish;
  }
  return entries.size() > before;
}

Status Simulator::checkComplete() const {
  for (size_t stage = 0; stage < schedule.size(); ++stage)
    if (size_t done = timeline.entries[stage].size(); done < schedule[stage].size())
      return Status::error("TN4012", "stage " + std::to_string(stage) + " waits for ever before its pass " +
                                         std::to_string(done) + " of " + std::to_string(schedule[stage].size()));
  for (double end : backwardEnds)
    if (end < 0)
      return Status::error("TN4012", "the schedule lacks a backward pass");
  return Status::success();
}

void Simulator::summarize() {
  double busiest = 0;
  for (const auto &passes : schedule)
    timeline.peakActivations.push_back(peakActivations(passes, kept));
  for (size_t stage = 0; stage < schedule.size(); ++stage) {
    double busy = 0;
    for (const PassTimeline::Entry &entry : timeline.entries[stage])
      busy += entry.end - entry.start;
    busiest = std::max(busiest, busy);
    timeline.makespan = std::max(timeline.makespan, timeline.entries[stage].back().end);
    timeline.span = std::max(timeline.span, timeline.entries[stage].back().end - timeline.entries[stage].front().start);
  }
  timeline.bubble = timeline.span > 0 ? 1 - busiest / timeline.span : 0;
}

Expected<PassTimeline> Simulator::run() {
  timeline.entries.resize(schedule.size());
  for (size_t stage = 0; stage < schedule.size(); ++stage)
    timeline.entries[stage].reserve(schedule[stage].size());
  for (bool isMoving = true; isMoving;) {
    isMoving = false;
    for (int stage = 0; stage < pipeline.stages; ++stage)
      isMoving |= advance(stage);
    for (int stage = pipeline.stages; stage-- > 0;)
      isMoving |= advance(stage);
  }
  TENON_RETURN_IF_ERROR(checkComplete());
  summarize();
  return std::move(timeline);
}

Expected<PassTimeline> simulate(const Pipeline &pipeline, const Schedule &schedule, double keptForWeights) {
  assert(int(schedule.size()) == pipeline.stages && int(pipeline.times.size()) == pipeline.parts() &&
         "a schedule has a list for every stage, and every chunk its times");
  return Simulator(pipeline, schedule, keptForWeights).run();
}

} // namespace tenon::partition
