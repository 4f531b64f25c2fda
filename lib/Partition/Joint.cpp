//===- Joint.cpp - Stages, splits, microbatches, recomputation, schedule --===//
//
// Best first: what has the least lower bound is looked at next, more closely each time (all schedules at once by work
// alone; one schedule by the conditions of its stages; then plans, simulated), until the least bound that is left is
// not below the best plan.
//
//===----------------------------------------------------------------------===//
#include "tenon/Partition/Joint.h"

#include "JointStages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <queue>

namespace tenon::partition {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

/// Schedules that the same conditions bound.
enum class Family : uint8_t { Any, GPipe, Limited, Interleaved, Split };

/// The most that each stage of `schedule` holds at a time; what another entry covers is left out.
std::vector<std::vector<Demand>> demandsOf(const Schedule &schedule) {
  std::vector<std::vector<Demand>> demands(schedule.size());
  for (size_t stage = 0; stage < schedule.size(); ++stage) {
    Demand now;
    for (const Pass &pass : schedule[stage]) {
      now.held += pass.kind == PassKind::Forward;
      now.during = now.waiting + (pass.kind == PassKind::BackwardInput);
      auto covers = [&](const Demand &d) {
        return d.held >= now.held && d.waiting >= now.waiting && d.during >= now.during;
      };
      auto &list = demands[stage];
      if (std::none_of(list.begin(), list.end(), covers)) {
        std::erase_if(list, [&](const Demand &d) {
          return d.held <= now.held && d.waiting <= now.waiting && d.during <= now.during;
        });
        list.push_back(now);
      }
      now.held -= pass.kind == PassKind::Backward || pass.kind == PassKind::BackwardInput;
      now.waiting += (pass.kind == PassKind::BackwardInput) - (pass.kind == PassKind::BackwardWeight);
    }
  }
  return demands;
}

/// A set of plans.
struct Candidate {
  double bound = 0;
  std::vector<int> groups; ///< of each stage
  int microbatches = 1, chunks = 1;
  Family family = Family::Any;
  int level = 0; ///< how closely it was looked at
  std::vector<JointPlan> plans;

  int stages() const { return int(groups.size()); }
  bool operator>(const Candidate &other) const {
    auto key = [](const Candidate &c) {
      return std::tie(c.bound, c.groups, c.microbatches, c.family, c.chunks, c.level);
    };
    return key(*this) > key(other);
  }
};

class Search {
public:
  Search(const JointProblem &problem, const JointOptions &options) : problem(problem), options(options) {
    answer.seconds = never;
    answer.bound = never;
  }
  Expected<JointAnswer> run();

private:
  void start();
  void expand(const Candidate &candidate);
  void boundStages(Candidate candidate);
  void boundInterleaved(Candidate candidate);
  void evaluate(Candidate candidate);
  bool tryPlan(const JointPlan &plan, bool counts);
  JointPlan planOf(const JointTables &tables, const StageCuts &cuts, ScheduleKind schedule) const;
  const JointTables &tables(const std::vector<int> &groups, int microbatches);
  void startOn(std::vector<int> &groups, std::vector<char> &isUsed);
  bool fits(const JointPlan &plan, const JointRun &result) const;
  /// Seconds that are worth to be looked for.
  double limit() const { return answer.seconds * (1 - options.gap); }
  void push(Candidate candidate) {
    if (candidate.bound < never)
      queue.push(std::move(candidate));
  }
  void close(const Candidate &candidate) { answer.bound = std::min(answer.bound, candidate.bound); }

  const JointProblem &problem;
  const JointOptions &options;
  JointAnswer answer;
  std::unique_ptr<JointTables> current;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
};

} // namespace

const JointTables &Search::tables(const std::vector<int> &groups, int microbatches) {
  if (!current || current->groups != groups || current->microbatches != microbatches)
    current = std::make_unique<JointTables>(problem, groups, microbatches);
  return *current;
}

void Search::start() {
  std::vector<int> groups;
  std::vector<char> isUsed(problem.groups.size(), 0);
  startOn(groups, isUsed);
}

/// Candidates with the stages of `groups`, then with those of one more group behind them.
void Search::startOn(std::vector<int> &groups, std::vector<char> &isUsed) {
  const JointPins &pins = problem.pins;
  const size_t before = groups.size();
  if (before > 0 && (!pins.stages || size_t(pins.stages) == before))
    for (int microbatches = 1; microbatches <= problem.batch; ++microbatches)
      if (problem.batch % microbatches == 0 && (!pins.microbatches || pins.microbatches == microbatches) &&
          int64_t(before) * microbatches <= options.maxPasses)
        push({tables(groups, microbatches).bound(), groups, microbatches, 1, Family::Any, 0, {}});
  for (size_t group = 0; group < problem.groups.size(); ++group) {
    if (isUsed[group])
      continue;
    isUsed[group] = 1;
    const int devices = problem.groups[group].devices, blocks = int(problem.model().chain().size());
    for (int stages = 1; stages <= devices && int(before) + stages <= blocks; ++stages) {
      if ((int64_t(before) + stages) * blocks > options.maxStates)
        break;
      groups.push_back(int(group));
      if (devices % stages == 0)
        startOn(groups, isUsed);
    }
    groups.resize(before);
    isUsed[group] = 0;
  }
}

/// One candidate a schedule.
void Search::expand(const Candidate &candidate) {
  const JointPins &pins = problem.pins;
  auto add = [&](Family family, int chunks) {
    ++answer.combinations;
    push({candidate.bound, candidate.groups, candidate.microbatches, chunks, family, 1, {}});
  };
  if (pins.allows(ScheduleKind::OneForwardOneBackward))
    add(Family::Limited, 1);
  if (candidate.stages() == 1)
    return; // all schedules are the same
  if (pins.allows(ScheduleKind::GPipe))
    add(Family::GPipe, 1);
  if (pins.allows(ScheduleKind::ZeroBubbleH1) || pins.allows(ScheduleKind::ZeroBubbleH2) ||
      pins.allows(ScheduleKind::Searched))
    add(Family::Split, 1);
  const int blocks = int(problem.model().chain().size());
  if (pins.allows(ScheduleKind::Interleaved) && candidate.groups.front() == candidate.groups.back() &&
      candidate.microbatches % candidate.stages() == 0)
    for (int chunks = 2; chunks * candidate.stages() <= blocks; ++chunks)
      add(Family::Interleaved, chunks);
}

JointPlan Search::planOf(const JointTables &tables, const StageCuts &cuts, ScheduleKind schedule) const {
  JointPlan plan;
  plan.schedule = schedule;
  plan.microbatches = tables.microbatches;
  plan.cuts = cuts.cuts;
  for (int form : cuts.forms)
    plan.forms.push_back(tables.forms[size_t(form)].form);
  plan.groups = tables.groups;
  return plan;
}

/// A pipeline of which only the order of passes is asked.
static Pipeline shapeOf(int stages, int microbatches) {
  Pipeline pipeline;
  pipeline.stages = stages;
  pipeline.microbatches = microbatches;
  return pipeline;
}

void Search::boundStages(Candidate candidate) {
  const JointTables &prices = tables(candidate.groups, candidate.microbatches);
  const Pipeline shape = shapeOf(candidate.stages(), candidate.microbatches);
  ++answer.bounded;
  candidate.level = 2;
  const JointPins &pins = problem.pins;
  auto cut = [&](const StageRules &rules, ScheduleKind kind) {
    const StageCuts cuts = cutStages(prices, rules, limit());
    if (!cuts.found())
      return cuts.bound;
    candidate.plans.push_back(planOf(prices, cuts, kind));
    // An answer early on spares bounds of what is worse.
    if (!rules.demands.empty() && cuts.bound < limit())
      tryPlan(candidate.plans.back(), true);
    return cuts.bound;
  };
  if (candidate.family == Family::Limited) {
    candidate.bound = cut({false, candidate.stages() > 1, demandsOf(oneForwardOneBackward(shape))},
                          ScheduleKind::OneForwardOneBackward);
  } else if (candidate.family == Family::GPipe) {
    candidate.bound = cut({false, false, demandsOf(gpipe(shape))}, ScheduleKind::GPipe);
  } else {
    const bool isSearched = pins.allows(ScheduleKind::Searched);
    candidate.bound = cut({true, false, {}}, isSearched ? ScheduleKind::Searched : ScheduleKind::ZeroBubbleH1);
    if (candidate.bound < limit())
      for (auto [kind, depth] : {std::pair(ScheduleKind::ZeroBubbleH1, 1), {ScheduleKind::ZeroBubbleH2, 2}})
        if (pins.allows(kind) || (isSearched && depth == 1))
          cut({true, false, demandsOf(zeroBubble(shape, depth))}, pins.allows(kind) ? kind : ScheduleKind::Searched);
  }
  if (candidate.bound >= limit())
    candidate.plans.clear();
  push(std::move(candidate));
}

/// Bytes of the fullest stage of an interleaved plan whose stages all take `form`.
static double memoryOf(const JointTables::OfForm &form, const JointPlan &plan,
                       const std::vector<std::vector<Demand>> &demands) {
  double most = 0;
  for (size_t stage = 0; stage < demands.size(); ++stage) {
    Stretch all;
    for (size_t part = stage; part + 1 < plan.cuts.size(); part += demands.size()) {
      const size_t first = size_t(plan.cuts[part]), last = size_t(plan.cuts[part + 1]);
      const Stretch chunk = JointTables::between(form, first, last);
      all.fixed += chunk.fixed;
      all.kept = std::max(all.kept, chunk.kept);
      all.forWeights = std::max(all.forWeights, chunk.forWeights);
      for (size_t block = first; block < last; ++block)
        all.working = std::max(all.working, form.sums[block].working);
    }
    most = std::max(most, JointTables::bytes(all, demands[stage]));
  }
  return most;
}

/// Chunks are as even as the most frequent kind of block allows; all stages take the same form.
void Search::boundInterleaved(Candidate candidate) {
  const JointTables &prices = tables(candidate.groups, candidate.microbatches);
  const int parts = candidate.stages() * candidate.chunks;
  ++answer.bounded;
  candidate.level = 2;
  const std::span<const int> chain = problem.model().chain();
  // The longest run of alike blocks.
  size_t first = 0, length = 0;
  for (size_t begin = 0, end; begin < chain.size(); begin = end) {
    for (end = begin; end < chain.size() && chain[end] == chain[begin];)
      ++end;
    if (end - begin > length)
      first = begin, length = end - begin;
  }
  if (length % size_t(parts) != 0)
    return;
  JointPlan plan;
  plan.schedule = ScheduleKind::Interleaved;
  plan.microbatches = candidate.microbatches;
  plan.chunks = candidate.chunks;
  plan.groups = candidate.groups;
  plan.cuts.push_back(0);
  for (int part = 1; part < parts; ++part)
    plan.cuts.push_back(int(first + length / size_t(parts) * size_t(part)));
  plan.cuts.push_back(int(chain.size()));
  Pipeline shape = shapeOf(candidate.stages(), candidate.microbatches);
  shape.chunks = candidate.chunks;
  const auto demands = demandsOf(*interleaved(shape));
  for (const JointTables::OfForm &form : prices.forms) {
    const Stretch all = JointTables::between(form, 0, chain.size());
    const size_t even = length / size_t(parts);
    const Stretch part = JointTables::between(form, first, first + even);
    const Stretch last = JointTables::between(form, size_t(plan.cuts[size_t(parts) - 1]), chain.size());
    // The last stage works without pause at best.
    const double busy = candidate.chunks * part.seconds() + last.seconds() - part.seconds();
    const double bound = std::max(candidate.microbatches * std::max(busy, all.seconds() / candidate.stages()) +
                                      (candidate.stages() - 1) * (part.seconds() + 2 * form.transfer[first + even]),
                                  prices.bound());
    if (bound >= limit() || memoryOf(form, plan, demands) > prices.memory(form))
      continue;
    plan.forms.assign(size_t(candidate.stages()), form.form);
    Candidate next = candidate;
    next.bound = bound;
    next.plans = {plan};
    push(std::move(next));
  }
}

bool Search::fits(const JointPlan &plan, const JointRun &result) const {
  for (size_t stage = 0; stage < plan.groups.size(); ++stage)
    if (result.peaks[stage] > problem.groups[size_t(plan.groups[stage])].memory * (1 + 1e-9))
      return false;
  return true;
}

/// Whether `plan` fits. Keeps it where it is the best so far and `counts`.
bool Search::tryPlan(const JointPlan &plan, bool counts) {
  auto result = partition::run(problem, plan);
  ++answer.evaluated;
  if (!result || !fits(plan, *result))
    return false;
  if (counts && result->seconds < answer.seconds) {
    answer.seconds = result->seconds;
    answer.plan = plan;
  }
  return true;
}

/// Zero-bubble plans first with the fixed schedules; then, if the bound still promises something, with a searched one.
void Search::evaluate(Candidate candidate) {
  if (candidate.family != Family::Interleaved) // which is a single plan: its time is known, not bounded
    close(candidate);
  if (candidate.family == Family::Limited || candidate.family == Family::GPipe)
    return; // tried when its stages were found
  if (candidate.family == Family::Interleaved || candidate.level == 3) {
    for (const JointPlan &plan : candidate.plans)
      tryPlan(plan, true);
    return;
  }
  std::vector<JointPlan> fitting;
  for (JointPlan plan : candidate.plans)
    for (ScheduleKind kind : {ScheduleKind::ZeroBubbleH2, ScheduleKind::ZeroBubbleH1}) {
      plan.schedule = kind;
      // A searched order needs no more than H1.
      if (tryPlan(plan, problem.pins.allows(kind)) && kind == ScheduleKind::ZeroBubbleH1) {
        fitting.push_back(plan);
        fitting.back().schedule = ScheduleKind::Searched;
      }
    }
  if (!problem.pins.allows(ScheduleKind::Searched))
    return;
  candidate.level = 3;
  candidate.plans = std::move(fitting);
  push(std::move(candidate));
}

Expected<JointAnswer> Search::run() {
  start();
  while (!queue.empty() && queue.top().bound < limit()) {
    Candidate candidate = queue.top();
    queue.pop();
    if (candidate.level == 0)
      expand(candidate);
    else if (candidate.level >= 2)
      evaluate(std::move(candidate));
    else if (candidate.family == Family::Interleaved)
      boundInterleaved(std::move(candidate));
    else
      boundStages(std::move(candidate));
  }
  if (answer.seconds == never)
    return Status::error("TN4018", "nothing fits");
  answer.bound = std::min(answer.bound, queue.empty() ? limit() : std::max(limit(), queue.top().bound));
  answer.bound = std::min(answer.bound, answer.seconds);
  return std::move(answer);
}

static Status checkJoint(const JointProblem &problem) {
  auto fail = [](const std::string &what) { return Status::error("TN4017", what); };
  if (problem.groups.empty() || problem.groups.size() > 4)
    return fail("a cluster has from 1 to 4 groups of devices");
  for (const JointGroup &group : problem.groups) {
    if (!group.model || group.model->chain().empty() || group.model->variants().empty())
      return fail("a model has at least one block and one variant");
    if (group.model->chain().size() > 1 << 16)
      return fail("a model has at most 65536 blocks");
    if (!std::ranges::equal(group.model->chain(), problem.model().chain()) ||
        !std::ranges::equal(group.model->variants(), problem.model().variants()))
      return fail("the models of all groups have the same blocks and variants");
    if (group.devices < 1 || group.devices > 1 << 20 || !(group.memory > 0 && std::isfinite(group.memory)))
      return fail("devices are from 1 to 1048576, with memory");
  }
  if (problem.batch < 1 || problem.batch > 1 << 20)
    return fail("a batch is from 1 to 1048576 samples");
  return Status::success();
}

static std::string gigabytes(double bytes) {
  const auto tenths = int64_t(bytes / 1e8 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB";
}

/// Fewer devices, where their number has few divisors.
static std::vector<JointProblem> withFewerDevices(const JointProblem &problem) {
  std::vector<JointProblem> all = {problem};
  if (std::ranges::all_of(problem.groups, [](const JointGroup &group) {
        return group.devices % 8 == 0 || std::has_single_bit(unsigned(group.devices));
      }))
    return all;
  all.resize(3, problem);
  for (size_t i = 0; i < problem.groups.size(); ++i) {
    const int devices = problem.groups[i].devices;
    all[2].groups[i].devices = int(std::bit_floor(unsigned(devices)));
    all[1].groups[i].devices = devices > 8 ? devices / 8 * 8 : all[2].groups[i].devices;
  }
  return all;
}

static Expected<JointAnswer> searchAll(const JointProblem &problem, const JointOptions &options) {
  std::optional<JointAnswer> best;
  Status status;
  double bound = never;
  for (const JointProblem &each : withFewerDevices(problem)) {
    auto answer = Search(each, options).run();
    if (!answer) {
      status = answer.takeStatus();
      continue;
    }
    bound = std::min(bound, answer->bound);
    for (const JointGroup &group : each.groups)
      answer->devices.push_back(group.devices);
    if (!best || answer->seconds < best->seconds)
      best = std::move(*answer);
  }
  if (!best)
    return status;
  best->bound = bound;
  return std::move(*best);
}

/// How much larger memories must be so that something fits: the least of a few factors that does; 0 where none does.
static double enoughMemory(const JointProblem &problem, JointOptions options) {
  options.gap = 1 - 1e-9; // the first plan that fits will do
  for (double factor : {1.25, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0, 64.0}) {
    JointProblem larger = problem;
    for (JointGroup &group : larger.groups)
      group.memory *= factor;
    if (searchAll(larger, options).ok())
      return factor;
  }
  return 0;
}

Expected<JointAnswer> solve(const JointProblem &problem, const JointOptions &options) {
  TENON_RETURN_IF_ERROR(checkJoint(problem));
  auto answer = searchAll(problem, options);
  if (answer.ok())
    return answer;
  const double factor = enoughMemory(problem, options);
  if (factor == 0)
    return Status::error("TN4017", "devices, batch and what is forced leave no plan at all");
  std::string what = "no stages, splits, microbatches and recomputation fit into ";
  for (const JointGroup &group : problem.groups)
    what += (&group == problem.groups.data() ? "" : ", ") + gigabytes(group.memory);
  what += " a device; ";
  for (const JointGroup &group : problem.groups)
    what += (&group == problem.groups.data() ? "" : ", ") + gigabytes(group.memory * factor);
  return Status::error("TN4018", what + " would do");
}

} // namespace tenon::partition
