//===- DynamicTasks.cpp - Which worker does which task of a training step -===//
#include "tenon/Runtime/DynamicTasks.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>

namespace tenon::runtime {

// What lies further ahead does not change what is done now.
static constexpr size_t lookAhead = 512;
// As in DynamicBatch: what must be gained by doing something again, relative to the time that takes.
static constexpr double worthwhile = 0.1;

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

Expected<DynamicTasks> DynamicTasks::create(std::vector<DynamicTask> tasks, WorkerRates &rates) {
  DynamicTasks result(rates);
  result.before.resize(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!(tasks[i].work >= 0) || !std::isfinite(tasks[i].work) || !(tasks[i].transferSeconds >= 0))
      return Status::error("TN7030", "task " + std::to_string(i) + " has no sensible work");
    for (size_t needed : tasks[i].after) {
      if (needed >= tasks.size())
        return Status::error("TN7030", "task " + std::to_string(i) + " needs task " + std::to_string(needed) + " of " +
                                           std::to_string(tasks.size()));
      result.before[needed].push_back(i);
    }
  }
  result.states.resize(tasks.size());
  result.tasks = std::move(tasks);
  TENON_RETURN_IF_ERROR(result.order());
  return result;
}

/// Sorts tasks by the work on the longest way from their start to the end of the step.
Status DynamicTasks::order() {
  std::vector<size_t> waiting(tasks.size()), topological;
  for (size_t i = 0; i < tasks.size(); ++i)
    if ((waiting[i] = tasks[i].after.size()) == 0)
      topological.push_back(i);
  for (size_t i = 0; i < topological.size(); ++i)
    for (size_t next : before[topological[i]])
      if (--waiting[next] == 0)
        topological.push_back(next);
  if (topological.size() != tasks.size())
    return Status::error("TN7030", "tasks wait for each other in a circle");
  struct Key {
    double way;
    size_t position, task;
  };
  std::vector<Key> keys(tasks.size());
  std::vector<double> way(tasks.size());
  for (size_t position = topological.size(); position-- > 0;) {
    const size_t task = topological[position];
    for (size_t next : before[task])
      way[task] = std::max(way[task], way[next]);
    way[task] += tasks[task].work;
    keys[position] = {way[task], position, task};
  }
  std::sort(keys.begin(), keys.end(),
            [](const Key &a, const Key &b) { return a.way != b.way ? a.way > b.way : a.position < b.position; });
  for (const Key &key : keys)
    byPriority.push_back(key.task);
  return Status::success();
}

//===----------------------------------------------------------------------===//
// Predictions
//===----------------------------------------------------------------------===//

size_t DynamicTasks::present() const {
  return size_t(std::count_if(workers.begin(), workers.end(), [](const Worker &w) { return w.isPresent; }));
}

/// Where nothing is known, workers are equal: then only the order matters.
double DynamicTasks::rateOf(size_t worker) const {
  const double rate = rates->rateOf(worker);
  return rate > 0 ? rate : 1;
}

double DynamicTasks::secondsOf(double work, size_t worker) const {
  return rates->overheadSeconds + work / rateOf(worker);
}

double DynamicTasks::endOf(size_t worker, double now) const {
  const Worker &state = workers[worker];
  if (!state.isBusy)
    return now;
  if (rates->rateOf(worker) <= 0) // as much again
    return now + (now - state.begun);
  return predictedEnd(state.begun, state.transfer + secondsOf(state.work, worker), now);
}

bool DynamicTasks::isReady(size_t task) const {
  return std::all_of(tasks[task].after.begin(), tasks[task].after.end(),
                     [&](size_t needed) { return states[needed].isFinished; });
}

/// Seconds until `worker` has everything that a ready task needs.
double DynamicTasks::transferTo(size_t task, size_t worker) const {
  double seconds = 0;
  for (size_t needed : tasks[task].after) {
    const std::vector<size_t> &owners = states[needed].owners;
    if (std::find(owners.begin(), owners.end(), worker) == owners.end())
      seconds = std::max(seconds, tasks[needed].transferSeconds);
  }
  return seconds;
}

std::vector<size_t> DynamicTasks::sourcesOf(size_t task, size_t worker) const {
  std::vector<size_t> sources;
  for (size_t needed : tasks[task].after) {
    const std::vector<size_t> &owners = states[needed].owners;
    const bool isHere = std::find(owners.begin(), owners.end(), worker) != owners.end();
    sources.push_back(isHere || owners.empty() ? worker : owners.front());
  }
  return sources;
}

//===----------------------------------------------------------------------===//
// Decisions
//===----------------------------------------------------------------------===//

/// The first ready task that the list schedule puts on `worker`.
std::optional<size_t> DynamicTasks::planned(size_t worker, double now) const {
  std::vector<double> ends(workers.size()), rateOfWorker(workers.size());
  for (size_t i = 0; i < workers.size(); ++i) {
    ends[i] = workers[i].isPresent ? endOf(i, now) : never;
    rateOfWorker[i] = rateOf(i);
  }
  std::vector<double> free = ends;
  std::vector<std::optional<Plan>> plans(tasks.size());
  // When the result of `task` is on `where`.
  auto resultOn = [&](size_t task, size_t where) {
    if (states[task].isFinished) {
      const std::vector<size_t> &owners = states[task].owners;
      const bool isThere = std::find(owners.begin(), owners.end(), where) != owners.end();
      return now + (isThere ? 0 : tasks[task].transferSeconds);
    }
    if (plans[task])
      return plans[task]->end + (plans[task]->worker == where ? 0 : tasks[task].transferSeconds);
    double end = never;
    for (size_t holder : states[task].holders)
      end = std::min(end, ends[holder] + (holder == where ? 0 : tasks[task].transferSeconds));
    return end;
  };
  size_t seen = 0;
  for (size_t task : byPriority) {
    if (states[task].isFinished || !states[task].holders.empty())
      continue;
    if (++seen > lookAhead)
      break;
    Plan best{0, 0, never};
    for (size_t i = 0; i < workers.size(); ++i) {
      double start = free[i];
      for (size_t needed : tasks[task].after)
        start = std::max(start, resultOn(needed, i));
      if (const double end = start + rates->overheadSeconds + tasks[task].work / rateOfWorker[i]; end < best.end)
        best = {i, start, end};
    }
    if (best.end == never)
      continue;
    if (best.worker == worker && isReady(task))
      return task;
    plans[task] = best;
    free[best.worker] = best.end;
  }
  return std::nullopt;
}

/// What others hold and will have done last, if `worker` would have done it clearly before.
std::optional<size_t> DynamicTasks::worthRepeating(size_t worker, double now) const {
  std::optional<size_t> latest;
  double latestEnd = 0;
  for (size_t i = 0; i < workers.size(); ++i) {
    if (!workers[i].held || states[*workers[i].held].isFinished)
      continue;
    const size_t task = *workers[i].held;
    if (!isReady(task)) // what it needs is lost by now
      continue;
    double end = never;
    for (size_t holder : states[task].holders)
      end = std::min(end, endOf(holder, now));
    const double seconds = transferTo(task, worker) + secondsOf(tasks[task].work, worker);
    if (end > now + (1 + worthwhile) * seconds && end > latestEnd) {
      latest = task;
      latestEnd = end;
    }
  }
  return latest;
}

DynamicTasks::Step DynamicTasks::next(size_t worker, double now) {
  assert(workers[worker].isPresent && !workers[worker].isBusy && "only an idle worker is given something");
  if (isDone())
    return {};
  if (std::optional<size_t> task = planned(worker, now))
    return give(*task, worker, now);
  if (std::optional<size_t> task = worthRepeating(worker, now)) {
    ++repeatedTasks;
    return give(*task, worker, now);
  }
  return {std::nullopt, now + patience(*rates, [&](size_t i) { return workers[i].isBusy ? workers[i].work : 0; })};
}

DynamicTasks::Step DynamicTasks::give(size_t task, size_t worker, double now) {
  states[task].holders.push_back(worker);
  workers[worker] = {true, true, task, now, tasks[task].work, transferTo(task, worker)};
  return {task, never};
}

void DynamicTasks::busy(size_t worker, double begun, double work) {
  workers[worker] = {true, true, std::nullopt, begun, work, 0};
}

bool DynamicTasks::finished(size_t worker, double now) {
  Worker &state = workers[worker];
  if (!state.isBusy)
    return false;
  const double seconds = now - state.begun;
  const double extra = state.transfer + rates->overheadSeconds;
  rates->workers[worker].observe(state.work, std::max(seconds - extra, seconds / 10));
  state.isBusy = false;
  if (!state.held)
    return false;
  const size_t task = *state.held;
  state.held.reset();
  std::erase(states[task].holders, worker);
  states[task].owners.push_back(worker);
  if (states[task].isFinished)
    return false;
  states[task].isFinished = true;
  ++finishedTasks;
  return true;
}

void DynamicTasks::leave(size_t worker) {
  workers[worker] = {};
  workers[worker].isPresent = false;
  for (State &state : states) {
    std::erase(state.holders, worker);
    std::erase(state.owners, worker);
  }
  // From the end of the step: a result is needed where a task that is not finished needs it.
  for (auto task = byPriority.rbegin(); task != byPriority.rend(); ++task) {
    const bool isNeeded = before[*task].empty() || std::any_of(before[*task].begin(), before[*task].end(),
                                                               [&](size_t next) { return !states[next].isFinished; });
    if (states[*task].isFinished && states[*task].owners.empty() && isNeeded) {
      states[*task].isFinished = false;
      --finishedTasks;
    }
  }
}

void DynamicTasks::join(size_t worker) {
  assert(!workers[worker].isBusy && "who joins is idle");
  workers[worker].isPresent = true;
}

} // namespace tenon::runtime
