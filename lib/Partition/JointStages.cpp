//===- JointStages.cpp - Where to cut a chain into stages -----------------===//
#include "JointStages.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::partition {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

class Cutter {
public:
  Cutter(const JointTables &tables, const StageRules &rules)
      : tables(tables), rules(rules), blocks(tables.least.seconds.size() - 1), stages(size_t(tables.stages)),
        batches(tables.microbatches), states((stages + 1) * (blocks + 1)) {}

  /// Whether stages exist that meet the conditions of `time`.
  bool isFeasible(double time);
  StageCuts plan() const;

private:
  /// Blocks before `at` make the stages before.
  struct State {
    double prefix = never; ///< seconds of their passes of one microbatch there and back, and of the first one's tail
    double there = never;  ///< of forward passes
    int from = -1, form = -1;
  };
  State &at(size_t stage, size_t block) { return states[stage * (blocks + 1) + block]; }
  const State &at(size_t stage, size_t block) const { return states[stage * (blocks + 1) + block]; }

  void extend(size_t stage, size_t first, double time);
  double wayBack(size_t stage, size_t last) const;
  bool isInTime(const Stretch &stretch, size_t stage, size_t first, size_t last, double tail, double time) const;
  bool fits(const Stretch &stretch, double memory, size_t stage, size_t first, size_t last, double tail,
            double time) const;

  const JointTables &tables;
  const StageRules &rules;
  const size_t blocks, stages;
  const int batches;
  std::vector<State> states;
};

} // namespace

/// Seconds until the first microbatch that stage `stage`, from block `first` on, has passed on is back.
double Cutter::wayBack(size_t stage, size_t last) const {
  const std::vector<double> &both = tables.behind[std::min(stage + 1, stages - 1)].both;
  return both.back() - both[last] + 2 * double(stages - 1 - stage) * tables.leastTransfer;
}

/// Memory, and what waits for it.
bool Cutter::fits(const Stretch &stretch, double memory, size_t stage, size_t first, size_t last, double tail,
                  double time) const {
  const double free = memory - stretch.fixed - stretch.working;
  if (!rules.demands.empty())
    return JointTables::bytes(stretch, rules.demands[stage]) <= memory;
  if (free < stretch.kept)
    return false;
  // On average over the step as many microbatches are held as are on the way to the last stage and back, and as many
  // wait for the gradient of weights as are at it.
  const double way = stretch.both() + wayBack(stage, last);
  const double late = std::min(stretch.kept, stretch.forWeights);
  if (batches * (way * stretch.kept + stretch.weight * late) / time > free)
    return false;
  // Before the first gradient comes there are forward passes to make, as many as fit; all else is behind it. And
  // while the last microbatch is on its way there are gradients of what fits.
  const double ahead = stretch.kept > 0 ? std::min<double>(batches, std::floor(free / stretch.kept)) : batches;
  const State &before = at(stage, first);
  double end = before.there + way - stretch.input + batches * stretch.seconds() - ahead * stretch.forward + tail;
  if (batches > ahead && late > 0) {
    auto gradients = [&](double held) {
      return (held - 1) * (stretch.input + stretch.weight) + (free - held * stretch.kept) / late * stretch.weight;
    };
    end += std::max(0.0, wayBack(stage, last) - std::max(gradients(1), gradients(ahead)));
  }
  if (end > time)
    return false;
  // Microbatch i + ahead starts when microbatch i is back.
  const double rounds = std::floor((batches - 1) / ahead), over = batches - 1 - rounds * ahead;
  return (stage > 0 ? before.prefix : tail + stretch.weight) + (rounds + 1) * way + over * stretch.forward <= time;
}

bool Cutter::isInTime(const Stretch &stretch, size_t stage, size_t first, size_t last, double tail, double time) const {
  const State &before = at(stage, first);
  const double seconds = stretch.seconds();
  if (before.there + batches * seconds + tail > time)
    return false;
  if (stage > 0 && before.prefix + batches * (rules.isSplit ? stretch.both() : seconds) > time)
    return false;
  if (!rules.isLimited)
    return true;
  // Microbatch i + held starts when microbatch i is back.
  const int held = int(stages - stage), rounds = (batches - 1) / held + 1;
  const std::vector<double> &behind = tables.behind[std::min(stage + 1, stages - 1)].seconds;
  const double around = seconds + behind.back() - behind[last] + 2 * double(stages - 1 - stage) * tables.leastTransfer;
  const double rest = (batches - 1) % held * stretch.forward;
  return (stage > 0 ? before.prefix : tail) + rounds * around + rest <= time;
}

/// All stages that begin at block `first`.
void Cutter::extend(size_t stage, size_t first, double time) {
  const State before = at(stage, first);
  const bool isLast = stage + 1 == stages;
  std::vector<double> working(tables.forms.size(), 0);
  const std::vector<double> &own = tables.ofGroup[size_t(tables.groups[stage])].seconds;
  for (size_t last = first + 1; last + (stages - 1 - stage) <= blocks; ++last) {
    for (size_t i = 0; i < tables.forms.size(); ++i)
      working[i] = std::max(working[i], tables.forms[i].sums[last - 1].working);
    if (before.there + batches * (own[last] - own[first]) > time)
      return;
    if (isLast && last != blocks)
      continue; // its price is known only at the end
    State &next = at(stage + 1, last);
    bool isTooLarge = true;
    for (size_t i = 0; i < tables.forms.size(); ++i) {
      const JointTables::OfForm &form = tables.forms[i];
      if (form.group != tables.groups[stage])
        continue;
      Stretch stretch = JointTables::between(form, first, last);
      stretch.working = working[i];
      isTooLarge &= stretch.fixed > tables.memory(form);
      if (before.there + batches * stretch.seconds() > time)
        continue;
      const double moved = isLast ? 0 : form.transfer[last], tail = tables.tail(i, stretch);
      double prefix = (rules.isSplit ? stretch.both() : stretch.seconds()) + 2 * moved;
      if (stage == 0)
        prefix += tail + (rules.isSplit ? stretch.weight : 0);
      else
        prefix += before.prefix;
      const double there = before.there + stretch.forward + moved;
      if ((prefix >= next.prefix && there >= next.there) || !isInTime(stretch, stage, first, last, tail, time) ||
          !fits(stretch, tables.memory(form), stage, first, last, tail, time))
        continue;
      if (prefix < next.prefix) {
        next.prefix = prefix;
        next.from = int(first);
        next.form = int(i);
      }
      next.there = std::min(next.there, there);
    }
    if (isTooLarge)
      return;
  }
}

bool Cutter::isFeasible(double time) {
  std::fill(states.begin(), states.end(), State{});
  at(0, 0) = {0, 0, -1, -1};
  for (size_t stage = 0; stage < stages; ++stage)
    for (size_t block = stage; block + (stages - stage) <= blocks; ++block)
      if (at(stage, block).there < never)
        extend(stage, block, time);
  return at(stages, blocks).prefix <= time;
}

StageCuts Cutter::plan() const {
  StageCuts found;
  found.cuts.assign(stages + 1, 0);
  found.forms.assign(stages, 0);
  size_t block = blocks;
  for (size_t stage = stages; stage > 0; --stage) {
    const State &state = at(stage, block);
    found.cuts[stage] = int(block);
    found.forms[stage - 1] = state.form;
    block = size_t(state.from);
  }
  return found;
}

StageCuts cutStages(const JointTables &tables, const StageRules &rules, double limit, double precision) {
  StageCuts best;
  best.bound = never;
  if (tables.bound() == never || size_t(tables.stages) >= tables.least.seconds.size())
    return best;
  Cutter cutter(tables, rules);
  double low = tables.bound(), high = low;
  if (low >= limit) {
    best.bound = low;
    return best;
  }
  if (limit == never && !cutter.isFeasible(1e300))
    return best; // no time is enough: nothing fits into memory
  // Upwards in growing steps, then by halves.
  bool isFound = false;
  for (double step = 0.01; !isFound; step *= 2) {
    high = std::min(low * (1 + step), limit);
    isFound = cutter.isFeasible(high);
    if (!isFound) {
      low = high;
      if (high >= limit) {
        best.bound = limit;
        return best;
      }
    }
  }
  best = cutter.plan();
  while (high > low * (1 + precision)) {
    const double middle = (low + high) / 2;
    if (cutter.isFeasible(middle)) {
      high = middle;
      best = cutter.plan();
    } else {
      low = middle;
    }
  }
  best.bound = low;
  return best;
}

} // namespace tenon::partition
