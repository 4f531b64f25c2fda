//===- DynamicBench.cpp - What the dynamic scheduler reaches --------------===//
//
//   dynamic-bench simulate | simulate-steps                    in simulation
//   dynamic-bench waiting                                      threads that wait for nothing
//   dynamic-bench equal | speed-up | straggler PLAN SAMPLES    with processes
//
// test/Bench/dynamic.py runs it and writes the page.
//
//===----------------------------------------------------------------------===//
#include "DynamicMeasure.h"
#include "DynamicSimulation.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

using namespace tenon;
using namespace tenon::test;

namespace {
constexpr int64_t samples = 2048;
constexpr int seeds = 200;
// One worker of speed 1 takes a second for a batch, and every piece 0.2 ms beside its samples.
constexpr double speed = double(samples);
constexpr double overhead = 2e-4;
constexpr double slot = 5e-3;

/// What happens to the last worker, at a time that is drawn from [from, until).
struct Accident {
  double from = forever, until = forever;
  double factor = 1; ///< on its speed, from then on
  bool isDeath = false;
};

struct Scenario {
  const char *name;
  std::vector<double> speeds;
  double noise = 0;
  Accident accident = {};
};

/// What a scenario comes to over all seeds: medians of single batches.
struct Figures {
  double seconds, overBound, worst, pieces, repeated;
};
} // namespace

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

static SimulatedWorkers makeWorkers(const Scenario &scenario, uint64_t seed, double unit, double overhead) {
  const Accident &accident = scenario.accident;
  const double drawn = double(std::mt19937_64(seed)() >> 11) * 0x1p-53;
  const double when = accident.from < forever ? accident.from + drawn * (accident.until - accident.from) : forever;
  std::vector<SpeedCurve> curves;
  for (size_t i = 0; i < scenario.speeds.size(); ++i) {
    std::vector<SpeedChange> changes;
    if (i + 1 == scenario.speeds.size() && accident.factor != 1)
      changes.push_back({when, forever, accident.factor});
    curves.emplace_back(scenario.speeds[i] * unit, scenario.noise, slot, seed * 100 + i, changes);
  }
  SimulatedWorkers workers(std::move(curves), overhead);
  workers.deaths.assign(scenario.speeds.size(), forever);
  if (accident.isDeath)
    workers.deaths.back() = when;
  return workers;
}

/// Batch number `batch`, counted from 0, over all seeds.
static Figures measure(const Scenario &scenario, int batch, runtime::BatchSchedule schedule) {
  runtime::BatchOptions options;
  options.schedule = schedule;
  std::vector<double> seconds, over, pieces, repeated;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    SimulatedWorkers workers = makeWorkers(scenario, seed, speed, overhead);
    SimulatedRun run;
    for (int i = 0; i <= batch; ++i)
      run = simulateBatch(workers, samples, options);
    seconds.push_back(run.seconds);
    over.push_back(run.seconds / run.bound - 1);
    pieces.push_back(double(run.pieces));
    repeated.push_back(double(run.repeated));
  }
  return {median(seconds), median(over), *std::max_element(over.begin(), over.end()), median(pieces), median(repeated)};
}

static void printRow(const Scenario &scenario, int batch) {
  const Figures dynamic = measure(scenario, batch, runtime::BatchSchedule::Dynamic);
  const Figures even = measure(scenario, batch, runtime::BatchSchedule::Even);
  std::printf("%s | %d | %.4f | %.4f | %.1f | %.2f | %.2f | %.0f | %.0f\n", scenario.name, batch + 1, even.seconds,
              dynamic.seconds, 100 * (1 - dynamic.seconds / even.seconds), 100 * dynamic.overBound, 100 * dynamic.worst,
              dynamic.pieces, dynamic.repeated);
}

static int simulateBatches() {
  const std::vector<double> three = {1, 1, 1};
  for (const Scenario &scenario :
       {Scenario{"one worker", {1}}, Scenario{"two equal", {1, 1}}, Scenario{"two equal, noise 10 %", {1, 1}, 0.1},
        Scenario{"1:2:4, noise 20 %", {1, 2, 4}, 0.2}, Scenario{"1:2:4, noise 50 %", {1, 2, 4}, 0.5}})
    for (int batch : {0, 4})
      printRow(scenario, batch);
  // The fifth batch of three equal workers runs from about 1.34 s to 1.67 s.
  for (const Scenario &scenario : {Scenario{"three equal, one becomes 10 times slower", three, 0.1, {1.35, 1.65, 0.1}},
                                   Scenario{"three equal, one stops for good", three, 0.1, {1.35, 1.65, 0}},
                                   Scenario{"three equal, one dies", three, 0.1, {1.35, 1.65, 1, true}}})
    for (int batch : {3, 4, 5, 6})
      printRow(scenario, batch);
  return 0;
}

static int simulateSteps() {
  const std::vector<double> three = {1, 1, 1};
  struct Case {
    Scenario scenario;
    double transfer;
  };
  for (const Case &entry :
       {Case{{"one worker", {1}}, 2e-4}, Case{{"two equal", {1, 1}}, 2e-4},
        Case{{"1:2:4, noise 20 %", {1, 2, 4}, 0.2}, 0}, Case{{"1:2:4, noise 20 %, transfers", {1, 2, 4}, 0.2}, 2e-4},
        Case{{"three equal, one becomes 10 times slower", three, 0.1, {1.4, 1.6, 0.1}}, 2e-4},
        Case{{"three equal, one stops for good", three, 0.1, {1.4, 1.6, 0}}, 2e-4},
        Case{{"three equal, one dies", three, 0.1, {1.4, 1.6, 1, true}}, 2e-4}})
    for (int step : {0, 4, 5}) {
      const std::vector<runtime::DynamicTask> tasks = trainingTasks(16, 4, entry.transfer);
      std::vector<double> seconds, over, repeated;
      for (uint64_t seed = 0; seed < seeds; ++seed) {
        SimulatedWorkers workers = makeWorkers(entry.scenario, seed, double(tasks.size()), 2e-5);
        SimulatedRun run;
        for (int i = 0; i <= step; ++i)
          run = simulateTasks(workers, tasks);
        seconds.push_back(run.seconds);
        over.push_back(run.seconds / run.bound - 1);
        repeated.push_back(double(run.repeated));
      }
      std::printf("%s | %.1f | %d | %.4f | %.2f | %.2f | %.0f\n", entry.scenario.name, 1e3 * entry.transfer, step + 1,
                  median(seconds), 100 * median(over), 100 * *std::max_element(over.begin(), over.end()),
                  median(repeated));
    }
  return 0;
}

int main(int count, char **arguments) {
  const std::string command = count > 1 ? arguments[1] : "";
  if (command == "simulate")
    return simulateBatches();
  if (command == "simulate-steps")
    return simulateSteps();
  if (command == "waiting")
    return measureWaiting();
  const int64_t size = count > 3 ? std::atoll(arguments[3]) : 0;
  if (command == "equal" && size > 0)
    return compareBits(arguments[2], size, 3);
  if (command == "speed-up" && size > 0)
    return measureSpeedup(arguments[2], size);
  if (command == "straggler" && size > 0)
    return measureStraggler(arguments[2], size);
  std::fprintf(stderr, "usage: dynamic-bench simulate|simulate-steps|waiting\n"
                       "       dynamic-bench equal|speed-up|straggler PLAN SAMPLES\n");
  return 2;
}
