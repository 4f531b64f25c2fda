//===- DynamicSimulation.cpp - Workers of changing speed, simulated -------===//
#include "DynamicSimulation.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <random>

namespace tenon::test {

using namespace runtime;

//===----------------------------------------------------------------------===//
// Speeds
//===----------------------------------------------------------------------===//

// Long enough for the runs that are simulated; later slots are as the last.
static constexpr size_t slots = 1 << 11;

SpeedCurve::SpeedCurve(double speed, double noise, double slot, uint64_t seed, std::vector<SpeedChange> changes)
    : slot(slot) {
  std::mt19937_64 random(seed);
  sums.push_back(0);
  for (size_t i = 0; i < slots; ++i) {
    // By Box and Muller, so that every library draws the same numbers.
    const double u = (double(random() >> 11) + 0.5) * 0x1p-53, v = double(random() >> 11) * 0x1p-53;
    const double normal = std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.14159265358979323846 * v);
    double now = speed * std::exp(noise * normal - noise * noise / 2);
    for (const SpeedChange &change : changes)
      if (double(i) * slot >= change.begin && double(i) * slot < change.end)
        now *= change.factor;
    speeds.push_back(now);
    sums.push_back(sums.back() + now * slot);
  }
}

double SpeedCurve::before(double time) const {
  const size_t index = size_t(std::min(std::max(time / slot, 0.0), double(slots - 1)));
  return sums[index] + (time - double(index) * slot) * speeds[index];
}

double SpeedCurve::end(double from, double amount) const {
  const double target = before(from) + amount;
  auto after = std::upper_bound(sums.begin(), sums.end(), target);
  const size_t index = std::min(size_t(after - sums.begin()) - 1, slots - 1);
  if (speeds[index] <= 0)
    return target <= sums[index] ? std::max(from, double(index) * slot) : forever;
  return std::max(from, double(index) * slot + (target - sums[index]) / speeds[index]);
}

SimulatedWorkers::SimulatedWorkers(std::vector<SpeedCurve> speeds, double overhead)
    : curves(std::move(speeds)), overheadSeconds(overhead), freeAt(curves.size()), begunAt(curves.size()),
      given(curves.size()) {
  rates.workers.resize(curves.size());
  rates.overheadSeconds = overhead;
}

static double deathOf(const SimulatedWorkers &workers, size_t worker) {
  return workers.deaths.empty() ? forever : workers.deaths[worker];
}

double clairvoyant(const SimulatedWorkers &workers, double from, double work) {
  auto done = [&](double until) {
    double sum = 0;
    for (size_t i = 0; i < workers.curves.size(); ++i)
      sum += workers.curves[i].work(from, std::max(from, std::min(until, deathOf(workers, i))));
    return sum;
  };
  double high = from + 1e-3;
  while (done(high) < work && high < 1e9)
    high = from + 2 * (high - from);
  double low = from;
  for (int i = 0; i < 100; ++i)
    (done((low + high) / 2) >= work ? high : low) = (low + high) / 2;
  return high - from;
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

namespace {
/// What batches and steps have in common, for the loop of events.
struct Schedule {
  struct Order {
    double work = 0, transfer = 0; ///< of what was given
    bool given = false;
    double askAgain = forever;
  };
  virtual ~Schedule() = default;
  virtual Order next(size_t worker, double now) = 0;
  virtual void finished(size_t worker, double now) = 0;
  virtual void leave(size_t worker) = 0;
  virtual void busy(size_t worker, double begun, double work) = 0;
  virtual bool isDone() const = 0;
};

enum class EventKind { Death, Finish, Ask };
struct Event {
  double time;
  EventKind kind;
  size_t worker;
  bool operator>(const Event &other) const {
    return time != other.time ? time > other.time : kind != other.kind ? kind > other.kind : worker > other.worker;
  }
};

struct Loop {
  SimulatedWorkers &workers;
  Schedule &schedule;
  SimulatedRun &run;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  std::vector<char> isIdle, isDead;
  double start, now;

  Loop(SimulatedWorkers &workers, Schedule &schedule, SimulatedRun &run)
      : workers(workers), schedule(schedule), run(run), isIdle(workers.curves.size()), isDead(workers.curves.size()),
        start(workers.now), now(workers.now) {}

  void begin() {
    for (size_t i = 0; i < workers.curves.size(); ++i) {
      if (deathOf(workers, i) < forever)
        events.push({std::max(now, deathOf(workers, i)), EventKind::Death, i});
      isDead[i] = deathOf(workers, i) <= now;
      isIdle[i] = !isDead[i] && workers.freeAt[i] <= now;
      if (isDead[i])
        schedule.leave(i);
      if (isDead[i] || isIdle[i])
        continue;
      schedule.busy(i, workers.begunAt[i], workers.given[i]);
      if (workers.freeAt[i] < forever)
        events.push({workers.freeAt[i], EventKind::Finish, i});
    }
  }

  void ask(size_t worker) {
    const Schedule::Order order = schedule.next(worker, now);
    if (!order.given) {
      if (order.askAgain < forever)
        events.push({std::max(order.askAgain, now + 1e-9), EventKind::Ask, worker});
      return;
    }
    ++run.pieces;
    isIdle[worker] = false;
    workers.begunAt[worker] = now;
    workers.given[worker] = order.work;
    workers.freeAt[worker] = workers.curves[worker].end(now + workers.overheadSeconds + order.transfer, order.work);
    if (workers.freeAt[worker] < forever)
      events.push({workers.freeAt[worker], EventKind::Finish, worker});
  }

  void handle(const Event &event) {
    const size_t worker = event.worker;
    if (event.kind == EventKind::Death && !isDead[worker]) {
      isDead[worker] = true;
      isIdle[worker] = false;
      schedule.leave(worker);
    }
    if (isDead[worker])
      return;
    if (event.kind == EventKind::Finish)
      schedule.finished(worker, now);
    if (event.kind != EventKind::Ask)
      isIdle[worker] = true;
  }

  void go() {
    begin();
    for (int64_t steps = 0;; ++steps) {
      for (size_t i = 0; i < isIdle.size() && !schedule.isDone(); ++i)
        if (isIdle[i])
          ask(i);
      if (schedule.isDone() || events.empty() || steps > 1'000'000)
        break;
      now = events.top().time;
      // Everything that happens now, so that decisions see all of it.
      while (!events.empty() && events.top().time <= now) {
        const Event event = events.top();
        events.pop();
        handle(event);
      }
    }
    run.seconds = schedule.isDone() ? now - start : forever;
    workers.now = now;
  }
};

struct BatchSchedules : Schedule {
  DynamicBatch batch;
  std::vector<int> delivered;

  BatchSchedules(int64_t samples, WorkerRates &rates, const BatchOptions &options)
      : batch(samples, rates, options), delivered(size_t(samples)) {}
  Order next(size_t worker, double now) override {
    const DynamicBatch::Step step = batch.next(worker, now);
    return {step.samples ? double(step.samples->size()) : 0, 0, step.samples.has_value(), step.askAgain};
  }
  void finished(size_t worker, double now) override {
    for (const SampleRange &range : batch.finished(worker, now))
      for (int64_t sample = range.begin; sample < range.end; ++sample)
        ++delivered[size_t(sample)];
  }
  void leave(size_t worker) override { batch.leave(worker); }
  void busy(size_t worker, double begun, double work) override { batch.busy(worker, begun, work); }
  bool isDone() const override { return batch.isDone(); }
};

struct TaskSchedules : Schedule {
  DynamicTasks schedule;
  const std::vector<DynamicTask> &tasks;
  std::vector<std::optional<size_t>> held; ///< none: a task of a step before
  std::vector<std::vector<size_t>> owners; ///< workers that have the result of each task
  bool isExact = true;

  TaskSchedules(DynamicTasks schedule, const std::vector<DynamicTask> &tasks, size_t workers)
      : schedule(std::move(schedule)), tasks(tasks), held(workers), owners(tasks.size()) {}
  Order next(size_t worker, double now) override {
    const DynamicTasks::Step step = schedule.next(worker, now);
    if (!step.task)
      return {0, 0, false, step.askAgain};
    held[worker] = *step.task;
    Order order{tasks[*step.task].work, 0, true, forever};
    for (size_t needed : tasks[*step.task].after) {
      isExact &= !owners[needed].empty();
      if (std::find(owners[needed].begin(), owners[needed].end(), worker) == owners[needed].end())
        order.transfer = std::max(order.transfer, tasks[needed].transferSeconds);
    }
    return order;
  }
  void finished(size_t worker, double now) override {
    if (!held[worker]) {
      schedule.finished(worker, now);
      return;
    }
    if (schedule.finished(worker, now))
      isExact &= owners[*held[worker]].empty();
    owners[*held[worker]].push_back(worker);
  }
  void leave(size_t worker) override {
    schedule.leave(worker);
    for (std::vector<size_t> &list : owners)
      std::erase(list, worker);
  }
  void busy(size_t worker, double begun, double work) override { schedule.busy(worker, begun, work); }
  bool isDone() const override { return schedule.isDone(); }
};
} // namespace

SimulatedRun simulateBatch(SimulatedWorkers &workers, int64_t samples, const BatchOptions &options) {
  SimulatedRun run;
  run.bound = clairvoyant(workers, workers.now, double(samples));
  BatchSchedules schedule(samples, workers.rates, options);
  Loop(workers, schedule, run).go();
  run.repeated = schedule.batch.repeated();
  for (int count : schedule.delivered)
    run.isExact &= count == (run.seconds < forever) || (run.seconds == forever && count <= 1);
  return run;
}

SimulatedRun simulateTasks(SimulatedWorkers &workers, const std::vector<DynamicTask> &tasks) {
  SimulatedRun run;
  double work = 0;
  for (const DynamicTask &task : tasks)
    work += task.work;
  run.bound = clairvoyant(workers, workers.now, work);
  auto schedule = DynamicTasks::create(tasks, workers.rates);
  if (!schedule) {
    run.seconds = forever;
    return run;
  }
  TaskSchedules schedules(std::move(*schedule), tasks, workers.curves.size());
  Loop(workers, schedules, run).go();
  run.repeated = schedules.schedule.repeated();
  run.isExact = schedules.isExact;
  return run;
}

std::vector<DynamicTask> trainingTasks(int microbatches, int layers, double transferSeconds) {
  std::vector<DynamicTask> tasks;
  std::vector<size_t> gradients;
  for (int i = 0; i < microbatches; ++i) {
    const size_t first = tasks.size();
    for (int layer = 0; layer < layers; ++layer)
      tasks.push_back({1, layer ? std::vector<size_t>{tasks.size() - 1} : std::vector<size_t>(), transferSeconds});
    for (int layer = layers; layer-- > 0;) {
      const size_t forward = first + size_t(layer);
      const size_t above = layer + 1 < layers ? tasks.size() - 2 : forward; // the gradient of activations of the next
      tasks.push_back({1, {above}, transferSeconds});
      if (above != forward)
        tasks.back().after.push_back(forward);
      gradients.push_back(tasks.size());
      tasks.push_back({1, {tasks.size() - 1}, 0});
    }
  }
  tasks.push_back({0.1, gradients, 0});
  return tasks;
}

} // namespace tenon::test
