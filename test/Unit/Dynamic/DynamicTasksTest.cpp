//===- DynamicTasksTest.cpp - Decisions about one step of training --------===//
#include "DynamicSimulation.h"
#include <gtest/gtest.h>
#include <random>

using namespace tenon;
using namespace tenon::runtime;

static WorkerRates equalRates(size_t workers) {
  WorkerRates rates;
  for (size_t i = 0; i < workers; ++i)
    rates.workers.emplace_back().observe(1, 1);
  return rates;
}

static DynamicTasks create(std::vector<DynamicTask> tasks, WorkerRates &rates) {
  auto created = DynamicTasks::create(std::move(tasks), rates);
  EXPECT_TRUE(created) << created.status().str();
  return std::move(*created);
}

TEST(DynamicTasks, RefusesCirclesAndStrangers) {
  WorkerRates rates = equalRates(1);
  for (std::vector<DynamicTask> tasks :
       {std::vector<DynamicTask>{{1, {1}}, {1, {0}}}, {{1, {0}}}, {{1, {2}}, {1, {}}}, {{-1, {}}}, {{1, {}, -1}}}) {
    auto created = DynamicTasks::create(tasks, rates);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.status().error().code, "TN7030");
  }
}

TEST(DynamicTasks, TheLongestWayToTheEndComesFirst) {
  WorkerRates rates = equalRates(1);
  DynamicTasks tasks = create({{1, {}}, {1, {}}, {5, {1}}}, rates);
  EXPECT_EQ(tasks.next(0, 0).task, 1u);
}

TEST(DynamicTasks, ATaskWaitsForWhatItNeeds) {
  WorkerRates rates = equalRates(2);
  DynamicTasks tasks = create({{1, {}}, {1, {0}}}, rates);
  EXPECT_EQ(tasks.next(0, 0).task, 0u);
  EXPECT_FALSE(tasks.next(1, 0).task);
  EXPECT_TRUE(tasks.finished(0, 1));
  EXPECT_EQ(tasks.next(0, 1).task, 1u);
}

TEST(DynamicTasks, StaysWhereTheInputsAre) {
  WorkerRates rates = equalRates(2);
  DynamicTasks tasks = create({{1, {}, 10}, {1, {0}}}, rates);
  EXPECT_EQ(tasks.next(0, 0).task, 0u);
  tasks.finished(0, 1);
  EXPECT_FALSE(tasks.next(1, 1).task);
  EXPECT_EQ(tasks.next(0, 1).task, 1u);
}

TEST(DynamicTasks, WhatALateWorkerHoldsIsDoneAgain) {
  WorkerRates rates = equalRates(2);
  DynamicTasks tasks = create({{1, {}}}, rates);
  EXPECT_EQ(tasks.next(0, 0).task, 0u);
  EXPECT_FALSE(tasks.next(1, 0.5).task);
  EXPECT_EQ(tasks.next(1, 3).task, 0u);
  EXPECT_TRUE(tasks.finished(1, 4));
  EXPECT_TRUE(tasks.isDone());
  EXPECT_FALSE(tasks.finished(0, 5));
}

TEST(DynamicTasks, ResultsThatALostWorkerAloneHadAreMadeAgain) {
  WorkerRates rates = equalRates(2);
  DynamicTasks tasks = create({{1, {}}, {1, {0}}}, rates);
  tasks.next(0, 0);
  tasks.finished(0, 1);
  tasks.leave(0);
  EXPECT_EQ(tasks.next(1, 1).task, 0u);
  tasks.finished(1, 2);
  EXPECT_EQ(tasks.next(1, 2).task, 1u);
}

TEST(DynamicTasks, RandomStepsEndExactly) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    auto draw = [&](double low, double high) { return low + (high - low) * double(random() >> 11) * 0x1p-53; };
    std::vector<DynamicTask> tasks(1 + random() % 60);
    for (size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].work = draw(0, 10);
      tasks[i].transferSeconds = random() % 2 ? draw(0, 0.5) : 0;
      for (size_t j = 0; j < i && tasks[i].after.size() < 3; ++j)
        if (random() % 8 == 0)
          tasks[i].after.push_back(j);
    }
    const size_t count = 1 + random() % 5;
    std::vector<test::SpeedCurve> curves;
    std::vector<double> deaths;
    for (size_t i = 0; i < count; ++i) {
      std::vector<test::SpeedChange> changes;
      if (i && random() % 4 == 0)
        changes.push_back({draw(0, 20), test::forever, random() % 2 ? 0 : draw(0.01, 1)});
      curves.emplace_back(draw(0.5, 8), draw(0, 0.4), 0.1, random(), changes);
      deaths.push_back(i && random() % 4 == 0 ? draw(0, 20) : test::forever);
    }
    test::SimulatedWorkers workers(std::move(curves), draw(0, 0.01));
    workers.deaths = deaths;
    for (int step = 0; step < 2; ++step) {
      const test::SimulatedRun run = test::simulateTasks(workers, tasks);
      ASSERT_TRUE(run.isExact && run.seconds < test::forever) << "seed " << seed << " step " << step;
      ASSERT_GE(run.seconds, run.bound - 1e-9) << "seed " << seed;
    }
  }
}
