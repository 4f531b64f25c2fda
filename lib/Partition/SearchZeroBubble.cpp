//===- SearchZeroBubble.cpp - A pipeline schedule by search ---------------===//
//
// What keeps a pipeline from being full is its first round: until the first gradient comes back a stage has nothing but
// forward passes, and one more than fits before that gradient arrives delays it on its way through all stages. So the
// candidates differ in how many forward passes a stage makes before its first backward pass; list scheduling does the
// rest.
//
//===----------------------------------------------------------------------===//
#include "tenon/Partition/Schedule.h"

#include <algorithm>
#include <limits>
#include <queue>

namespace tenon::partition {

namespace {

constexpr double gaps[] = {0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0};
constexpr double never = std::numeric_limits<double>::infinity();

/// What a candidate decides.
struct Policy {
  std::vector<int> ahead;      ///< of each stage: forward passes that may be made more than backward passes
  std::vector<double> gap;     ///< of each stage: the part of a gradient of weights that a wait must last to be filled
  std::vector<double> lastGap; ///< the same before the last `lastCount` gradients of activations
  int lastCount = 1;
  bool alternates = false; ///< a forward pass after each gradient of activations, where there is the choice
};

/// What a stage has done, and when its successors see it.
struct StageState {
  int forwards = 0, backwards = 0, weights = 0;
  double freeAt = 0, firstStart = -1, held = 0;
  bool wasBackward = false;
  std::vector<double> forwardEnds, backwardEnds;
};

class ListScheduler {
public:
  ListScheduler(const Pipeline &pipeline, const std::vector<ActivationLimit> &limits, const Policy &policy)
      : pipeline(pipeline), limits(limits), policy(policy), stages(size_t(pipeline.stages)),
        schedule(size_t(pipeline.stages)) {}

  /// The span, or `never` where the limit lets a stage do nothing.
  double run();
  Schedule take() { return std::move(schedule); }
  /// How long stage `stage` was idle between its first and last pass.
  double idle(int stage) const;

private:
  double forwardReady(int stage) const;
  double backwardReady(int stage) const;
  /// What the stage does at `now`: a pass, or a time to look again in `next`.
  bool choose(int stage, double now, PassKind &kind, double &next) const;
  double perform(int stage, double now, PassKind kind);
  void wake(int stage, double time) { queue.push({time, stage}); }

  const Pipeline &pipeline;
  const std::vector<ActivationLimit> &limits;
  const Policy &policy;
  std::vector<StageState> stages;
  Schedule schedule;
  std::priority_queue<std::pair<double, int>, std::vector<std::pair<double, int>>, std::greater<>> queue;
};

} // namespace

double ListScheduler::forwardReady(int stage) const {
  const StageState &state = stages[size_t(stage)];
  const int ahead = policy.ahead[size_t(stage)];
  if (state.forwards == pipeline.microbatches || state.held + 1 > limits[size_t(stage)].capacity + 1e-9 ||
      state.forwards - state.backwards >= ahead)
    return never;
  if (stage == 0)
    return 0;
  const auto &ends = stages[size_t(stage - 1)].forwardEnds;
  return size_t(state.forwards) < ends.size() ? ends[size_t(state.forwards)] + pipeline.transferSeconds : never;
}

double ListScheduler::backwardReady(int stage) const {
  const StageState &state = stages[size_t(stage)];
  if (state.backwards == state.forwards)
    return never;
  if (stage == pipeline.stages - 1)
    return state.forwardEnds[size_t(state.backwards)];
  const auto &ends = stages[size_t(stage + 1)].backwardEnds;
  return size_t(state.backwards) < ends.size() ? ends[size_t(state.backwards)] + pipeline.transferSeconds : never;
}

bool ListScheduler::choose(int stage, double now, PassKind &kind, double &next) const {
  const StageState &state = stages[size_t(stage)];
  const double forward = forwardReady(stage), backward = backwardReady(stage), seen = now + 1e-12;
  if (backward <= seen && !(forward <= seen && policy.alternates && state.wasBackward)) {
    kind = PassKind::BackwardInput;
    return true;
  }
  if (forward <= seen) {
    kind = PassKind::Forward;
    return true;
  }
  next = std::min(forward, backward);
  kind = PassKind::BackwardWeight;
  const auto &gap = state.backwards + policy.lastCount >= pipeline.microbatches ? policy.lastGap : policy.gap;
  return state.weights < state.backwards &&
         next - now >= gap[size_t(stage)] * pipeline.times[size_t(stage)].backwardWeight;
}

double ListScheduler::perform(int stage, double now, PassKind kind) {
  StageState &state = stages[size_t(stage)];
  const PassSeconds &times = pipeline.times[size_t(stage)];
  if (state.firstStart < 0)
    state.firstStart = now;
  auto &passes = schedule[size_t(stage)];
  if (kind == PassKind::Forward) {
    passes.push_back({kind, state.forwards++});
    state.forwardEnds.push_back(state.freeAt = now + times.forward);
    state.held += 1;
    state.wasBackward = false;
    if (stage + 1 < pipeline.stages)
      wake(stage + 1, state.freeAt + pipeline.transferSeconds);
  } else if (kind == PassKind::BackwardInput) {
    passes.push_back({kind, state.backwards++});
    state.backwardEnds.push_back(state.freeAt = now + times.backwardInput);
    state.held -= 1 - limits[size_t(stage)].keptForWeights;
    state.wasBackward = true;
    if (stage > 0)
      wake(stage - 1, state.freeAt + pipeline.transferSeconds);
  } else {
    passes.push_back({kind, state.weights++});
    state.freeAt = now + times.backwardWeight;
    state.held -= limits[size_t(stage)].keptForWeights;
  }
  return state.freeAt;
}

double ListScheduler::run() {
  for (int stage = 0; stage < pipeline.stages; ++stage)
    wake(stage, 0);
  while (!queue.empty()) {
    const auto [now, stage] = queue.top();
    queue.pop();
    if (now < stages[size_t(stage)].freeAt)
      continue; // it looks again when it is free
    PassKind kind;
    double next = never;
    if (choose(stage, now, kind, next))
      wake(stage, perform(stage, now, kind));
    else if (next < never)
      wake(stage, next);
  }
  double span = 0;
  for (const StageState &state : stages) {
    if (state.weights < pipeline.microbatches)
      return never;
    span = std::max(span, state.freeAt - state.firstStart);
  }
  return span;
}

double ListScheduler::idle(int stage) const {
  const StageState &state = stages[size_t(stage)];
  const PassSeconds &times = pipeline.times[size_t(stage)];
  return state.freeAt - state.firstStart -
         pipeline.microbatches * (times.forward + times.backwardInput + times.backwardWeight);
}

/// The passes that a stage makes without delaying the first gradient: its way from here to the last stage and back.
static std::vector<int> aheadWithoutDelay(const Pipeline &pipeline) {
  std::vector<int> ahead(size_t(pipeline.stages));
  double away = 0;
  for (int stage = pipeline.stages; stage-- > 0;) {
    const PassSeconds &times = pipeline.times[size_t(stage)];
    ahead[size_t(stage)] = 1 + int(away / std::max(times.forward, 1e-12));
    away += times.forward + times.backwardInput + 2 * pipeline.transferSeconds;
  }
  return ahead;
}

namespace {

/// Keeps the best schedule seen.
class Search {
public:
  Search(const Pipeline &pipeline, const std::vector<ActivationLimit> &limits) : pipeline(pipeline), limits(limits) {}

  /// Tries `policy`; returns its span.
  double consider(const Policy &policy) {
    spent += 3.0 * pipeline.stages * pipeline.microbatches;
    ListScheduler scheduler(pipeline, limits, policy);
    const double span = scheduler.run();
    if (span < best) {
      best = span;
      bestPolicy = policy;
      worstStage = 0;
      for (int stage = 1; stage < pipeline.stages; ++stage)
        if (scheduler.idle(stage) > scheduler.idle(worstStage))
          worstStage = stage;
      schedule = scheduler.take();
    }
    return span;
  }
  void considerFixed(Schedule fixed) {
    auto timeline = simulate(pipeline, fixed);
    if (!timeline || timeline->span >= best)
      return;
    for (size_t stage = 0; stage < fixed.size(); ++stage)
      if (peakActivations(fixed[stage], limits[stage].keptForWeights) > limits[stage].capacity + 1e-9)
        return;
    best = timeline->span;
    schedule = std::move(fixed);
  }
  void improve();

  double best = never;
  Policy bestPolicy;
  int worstStage = 0;
  Schedule schedule;

private:
  const Pipeline &pipeline;
  const std::vector<ActivationLimit> &limits;
  double spent = 0; ///< passes placed so far
};

} // namespace

/// Descent: one more or one fewer pass ahead on the stages around the one that is idle longest.
void Search::improve() {
  constexpr int rounds = 8, reach = 8;
  constexpr double budget = 1e7; // passes: a second or two
  const double enough = 1.0001 * spanLowerBound(pipeline);
  if (best == never || best <= enough)
    return;
  for (int round = 0; round < rounds; ++round) {
    const double before = best;
    const Policy start = bestPolicy;
    const int center = worstStage;
    for (int first = std::max(0, center - reach); first < std::min(pipeline.stages, center + reach + 1); ++first)
      for (int length : {1, pipeline.stages}) {
        if (spent > budget)
          return;
        const int last = std::min(first + length, pipeline.stages);
        for (int change : {-1, 1}) {
          Policy policy = start;
          for (int stage = first; stage < last; ++stage)
            policy.ahead[size_t(stage)] = std::max(1, policy.ahead[size_t(stage)] + change);
          consider(policy);
        }
        for (double gap : {0.0, 0.9, 1.0}) {
          Policy policy = start;
          std::fill(policy.gap.begin() + first, policy.gap.begin() + last, gap);
          consider(policy);
          policy = start;
          std::fill(policy.lastGap.begin() + first, policy.lastGap.begin() + last, gap);
          for (policy.lastCount = 1; policy.lastCount <= 3; ++policy.lastCount)
            consider(policy);
        }
      }
    if (best >= before || best <= enough || spent > budget)
      return;
  }
}

double spanLowerBound(const Pipeline &pipeline) {
  double busiest = 0, there = 0, back = 0;
  for (const PassSeconds &times : pipeline.times)
    busiest = std::max(busiest, times.forward + times.backwardInput + times.backwardWeight);
  for (size_t stage = 0; stage + 1 < pipeline.times.size(); ++stage) {
    there += pipeline.times[stage].forward + pipeline.transferSeconds;
    back += pipeline.times[stage].backwardInput + pipeline.transferSeconds;
  }
  const PassSeconds &last = pipeline.times.back();
  return std::max(pipeline.microbatches * busiest, there + pipeline.microbatches * (last.forward + last.backwardInput) +
                                                       back + pipeline.times.front().backwardWeight);
}

Schedule searchZeroBubble(const Pipeline &pipeline, const ActivationLimit &limit) {
  return searchZeroBubble(pipeline, std::vector<ActivationLimit>(size_t(pipeline.stages), limit));
}

Schedule searchZeroBubble(const Pipeline &pipeline, const std::vector<ActivationLimit> &limits) {
  assert(pipeline.chunks == 1 && limits.size() == size_t(pipeline.stages) && "one chunk a stage, a limit for each");
  Search search(pipeline, limits);
  for (int depth : {1, 2})
    search.considerFixed(zeroBubble(pipeline, depth));
  const double fixedSpan = search.best;
  Schedule fixed = std::move(search.schedule);
  search.best = never;
  const std::vector<int> base = aheadWithoutDelay(pipeline);
  for (int more : {0, 1, 2})
    for (double gap : gaps)
      for (bool alternates : {false, true}) {
        const std::vector<double> everywhere(base.size(), gap);
        Policy policy{base, everywhere, everywhere, 1, alternates};
        for (int &ahead : policy.ahead)
          ahead += more;
        search.consider(policy);
      }
  search.improve();
  return search.best < fixedSpan ? std::move(search.schedule) : std::move(fixed);
}

} // namespace tenon::partition
