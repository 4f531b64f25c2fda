//===- DynamicSimulationTest.cpp - What the scheduler promises ------------===//
//
// The figures that docs/DynamicScheduler.md shows, held to over many seeds.
//
//===----------------------------------------------------------------------===//
#include "DynamicSimulation.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace tenon;
using namespace tenon::test;

static constexpr int64_t samples = 2048;
static constexpr double overhead = 2e-4;

static SimulatedWorkers makeWorkers(const std::vector<double> &speeds, double noise, uint64_t seed,
                                    std::vector<SpeedChange> changesOfLast = {}) {
  std::vector<SpeedCurve> curves;
  for (size_t i = 0; i < speeds.size(); ++i)
    curves.emplace_back(speeds[i] * double(samples), noise, 5e-3, seed * 100 + i,
                        i + 1 == speeds.size() ? changesOfLast : std::vector<SpeedChange>());
  return SimulatedWorkers(std::move(curves), overhead);
}

static runtime::BatchOptions even() {
  runtime::BatchOptions options;
  options.schedule = runtime::BatchSchedule::Even;
  return options;
}

TEST(DynamicSimulation, TwoEqualWorkersTakeHalfTheTime) {
  for (uint64_t seed = 0; seed < 100; ++seed)
    for (double noise : {0.0, 0.1}) {
      SimulatedWorkers one = makeWorkers({1}, noise, seed), two = makeWorkers({1, 1}, noise, seed);
      for (int batch = 0; batch < 3; ++batch) {
        const double alone = simulateBatch(one, samples, {}).seconds, both = simulateBatch(two, samples, {}).seconds;
        EXPECT_LT(both, 0.52 * alone) << "seed " << seed << " batch " << batch;
      }
    }
}

TEST(DynamicSimulation, UnequalWorkersComeCloseToTheClairvoyant) {
  std::vector<double> gains;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SimulatedWorkers workers = makeWorkers({1, 2, 4}, 0.2, seed), split = makeWorkers({1, 2, 4}, 0.2, seed);
    for (int batch = 0; batch < 5; ++batch) {
      const SimulatedRun dynamic = simulateBatch(workers, samples, {}), fixed = simulateBatch(split, samples, even());
      EXPECT_LT(dynamic.seconds, 1.06 * dynamic.bound) << "seed " << seed << " batch " << batch;
      gains.push_back(1 - dynamic.seconds / fixed.seconds);
      if (dynamic.seconds > 1.05 * dynamic.bound) // one batch in a thousand
        std::printf("seed %d batch %d: %.1f %% over\n", int(seed), batch, 100 * (dynamic.seconds / dynamic.bound - 1));
    }
  }
  std::sort(gains.begin(), gains.end());
  EXPECT_GT(gains[gains.size() / 2], 0.5);
  EXPECT_GT(gains.front(), 0.5);
}

TEST(DynamicSimulation, AStragglerIsAbsorbedWithinOneBatch) {
  for (uint64_t seed = 0; seed < 200; ++seed)
    for (double factor : {0.1, 0.0}) {
      const double when = 1.37 + 0.25 * double(seed) / 200;
      SimulatedWorkers workers = makeWorkers({1, 1, 1}, 0.1, seed, {{when, forever, factor}});
      for (int batch = 0; batch < 4; ++batch)
        simulateBatch(workers, samples, {});
      ASSERT_LT(workers.now, when);
      const SimulatedRun hit = simulateBatch(workers, samples, {}), after = simulateBatch(workers, samples, {}),
                         later = simulateBatch(workers, samples, {});
      EXPECT_LT(hit.seconds, 1.12 * hit.bound) << "seed " << seed << " factor " << factor;
      EXPECT_LT(after.seconds, 1.12 * after.bound) << "seed " << seed << " factor " << factor;
      EXPECT_LT(later.seconds, 1.02 * later.bound) << "seed " << seed << " factor " << factor;
    }
}

TEST(DynamicSimulation, TrainingStepsComeCloseToTheClairvoyant) {
  const std::vector<runtime::DynamicTask> tasks = trainingTasks(16, 4, 0);
  for (uint64_t seed = 0; seed < 30; ++seed) {
    std::vector<SpeedCurve> curves;
    for (double speed : {1.0, 2.0, 4.0})
      curves.emplace_back(speed * double(tasks.size()), 0.2, 5e-3, seed * 100 + uint64_t(speed));
    SimulatedWorkers workers(std::move(curves), 2e-5);
    for (int step = 0; step < 3; ++step) {
      const SimulatedRun run = simulateTasks(workers, tasks);
      EXPECT_TRUE(run.isExact);
      EXPECT_LT(run.seconds, 1.05 * run.bound) << "seed " << seed << " step " << step;
    }
  }
}

/// Any workers, of which the first neither dies nor stops.
static SimulatedWorkers drawWorkers(std::mt19937_64 &random, bool accidents) {
  auto draw = [&](double low, double high) { return low + (high - low) * double(random() >> 11) * 0x1p-53; };
  const size_t count = 1 + random() % 6;
  std::vector<SpeedCurve> curves;
  std::vector<double> deaths(count, forever);
  for (size_t i = 0; i < count; ++i) {
    std::vector<SpeedChange> changes;
    if (accidents && i && random() % 3 == 0)
      changes.push_back({draw(0, 1), random() % 2 ? forever : draw(1, 2), random() % 2 ? 0 : draw(0.01, 1)});
    if (accidents && i && random() % 3 == 0)
      deaths[i] = draw(0, 2);
    curves.emplace_back(std::exp(draw(5, 9)), draw(0, 0.5), 0.01, random(), changes);
  }
  SimulatedWorkers workers(std::move(curves), random() % 4 ? draw(0, 1e-3) : 0);
  workers.deaths = deaths;
  return workers;
}

TEST(DynamicSimulation, NoSampleIsLostOrDeliveredTwice) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedWorkers workers = drawWorkers(random, true);
    runtime::BatchOptions options;
    options.smallest = random() % 4 ? 1 : int64_t(1 + random() % 32);
    options.share = 0.1 + 0.9 * double(random() % 10) / 10;
    for (int batch = 0; batch < 3; ++batch) {
      const SimulatedRun run = simulateBatch(workers, int64_t(random() % 3000), options);
      ASSERT_TRUE(run.isExact && run.seconds < forever) << "seed " << seed << " batch " << batch;
      ASSERT_GE(run.seconds, run.bound - 1e-9) << "seed " << seed;
    }
  }
}

TEST(DynamicSimulation, EvenPartsAreExactToo) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedWorkers workers = drawWorkers(random, false);
    workers.deaths.back() = workers.deaths.size() > 1 ? double(random() % 100) / 100 : forever;
    const SimulatedRun run = simulateBatch(workers, int64_t(random() % 3000), even());
    ASSERT_TRUE(run.isExact && run.seconds < forever) << "seed " << seed;
  }
}

// Without accidents: the bound, and what the pieces of a worker may be wrong about.
TEST(DynamicSimulation, TheSpanIsNearTheBoundWithoutAccidents) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedWorkers workers = drawWorkers(random, false);
    const int64_t count = int64_t(500 + random() % 5000);
    for (int batch = 0; batch < 2; ++batch) {
      const SimulatedRun run = simulateBatch(workers, count, {});
      ASSERT_LT(run.seconds, 1.5 * run.bound + 100 * workers.overheadSeconds) << "seed " << seed << " batch " << batch;
    }
  }
}
