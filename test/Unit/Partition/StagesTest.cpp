//===- StagesTest.cpp - Stages against every plan, and against Piper ------===//
#include "PiperInputs.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace tenon::partition;

namespace {

/// Every plan of a handful of layers: stage of each layer, degrees of each stage, variant of each layer.
class EveryPlan {
public:
  explicit EveryPlan(const StageProblem &problem) : problem(problem), stageOf(problem.layers.size()) {}

  double run() {
    chooseStage(0);
    return best;
  }

private:
  void chooseStage(size_t layer) {
    int count = int(stageOf.size());
    if (layer < stageOf.size()) {
      for (stageOf[layer] = 0; stageOf[layer] < count; ++stageOf[layer])
        chooseStage(layer + 1);
      return;
    }
    int used = 1 + *std::max_element(stageOf.begin(), stageOf.end());
    stages.assign(used, {});
    for (int v = 0; v < count; ++v) {
      stages[stageOf[v]].layers.push_back(v);
      stages[stageOf[v]].variants.push_back(0);
    }
    for (const Stage &stage : stages)
      if (stage.layers.empty())
        return;
    for (const Flow &flow : problem.flows)
      if (stageOf[flow.from] > stageOf[flow.to])
        return;
    chooseDegrees(0, problem.devices);
  }

  void chooseDegrees(size_t stage, int devices) {
    if (stage == stages.size())
      return chooseVariant(0, 0);
    for (int tensor : {1, 2})
      for (int data = 1; data * tensor <= devices; ++data) {
        stages[stage].tensor = tensor;
        stages[stage].data = data;
        chooseDegrees(stage + 1, devices - data * tensor);
      }
  }

  void chooseVariant(size_t stage, size_t i) {
    if (stage == stages.size()) {
      best = std::min(best, evaluate(problem, stages));
      return;
    }
    if (i == stages[stage].layers.size())
      return chooseVariant(stage + 1, 0);
    for (int variant : {0, 1}) {
      stages[stage].variants[i] = variant;
      chooseVariant(stage, i + 1);
    }
  }

  const StageProblem &problem;
  std::vector<int> stageOf;
  std::vector<Stage> stages;
  double best = std::numeric_limits<double>::infinity();
};

/// Up to five layers with two variants, often with a second degree of tensor parallelism; little memory at times.
StageProblem randomStages(uint64_t seed) {
  std::mt19937_64 random(seed);
  auto draw = [&](int low, int high) { return low + int(random() % uint64_t(high - low + 1)); };
  StageProblem problem;
  int count = draw(1, 5);
  problem.devices = draw(1, 8);
  problem.microBatches = draw(1, 3) * 2;
  problem.bandwidth = 100;
  problem.memory = draw(20, 200);
  for (int v = 0; v < count; ++v) {
    Layer layer{"layer" + std::to_string(v), {}};
    double seconds = draw(1, 20), parameters = draw(0, 60);
    for (int tensor : {1, 2}) {
      if (tensor == 2 && draw(0, 3) == 0)
        continue;
      double a = draw(2, 12), b = draw(0, 20);
      layer.variants[tensor] = {
          {"plain", seconds / tensor, parameters / tensor, a, b},
          {"recompute", seconds / tensor * 1.3, parameters / tensor, a / draw(2, 4), b + draw(0, 3)}};
    }
    problem.layers.push_back(std::move(layer));
  }
  for (int to = 1; to < count; ++to)
    for (int from = 0; from < to; ++from)
      if (draw(0, 2) > 0)
        problem.flows.push_back(
            {from, to, double(draw(0, 80)), {{2, double(draw(0, 40))}}, {{2, double(draw(0, 40))}}});
  return problem;
}

TEST(Stages, EqualEveryPlanOfSmallGraphs) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    StageProblem problem = randomStages(seed);
    double exact = EveryPlan(problem).run();
    tenon::Expected<StagePlan> plan = planStages(problem);
    ASSERT_TRUE(plan.ok()) << plan.status().str();
    EXPECT_EQ(plan->stages.empty(), std::isinf(exact));
    EXPECT_LE(plan->bound, exact * (1 + 1e-9));
    if (plan->stages.empty())
      continue;
    ++found;
    EXPECT_NEAR(plan->seconds, exact, 2e-7 * exact);
    EXPECT_EQ(plan->seconds, evaluate(problem, plan->stages));
    EXPECT_LE(plan->gap(), 1e-6);
  }
  EXPECT_GE(found, 150);
}

const std::string piperFolder = TENON_TEST_DATA "/../../Data/partition/piper";

/// Half a unit of the last digit that `seconds` was printed with.
double roundingOf(double seconds) { return seconds < 1 ? 0.5e-6 : 0.5e-3; }

TEST(Stages, NeverWorseThanPiper) {
  std::vector<PiperRow> rows = readPiperRows(piperFolder);
  ASSERT_EQ(rows.size(), 17u);
  for (const PiperRow &row : rows) {
    SCOPED_TRACE(row.input + " on " + std::to_string(row.devices));
    StageProblem problem = onMachine(readPiperInput(piperFolder, row.input), row.devices, row.gibibytes, 480);
    tenon::Expected<StagePlan> plan = planStages(problem);
    ASSERT_TRUE(plan.ok()) << plan.status().str();
    EXPECT_LE(plan->seconds, row.seconds + roundingOf(row.seconds));
    EXPECT_EQ(plan->seconds, evaluate(problem, plan->stages));
    EXPECT_LE(plan->gap(), 1e-6);
  }
}

TEST(Stages, SeventeenThousandCuts) {
  StageProblem problem = onMachine(readPiperInput(piperFolder, "gnmt"), 64, 2.5, 480);
  StageOptions options;
  options.gap = 1e-3;
  tenon::Expected<StagePlan> plan = planStages(problem, options);
  ASSERT_TRUE(plan.ok()) << plan.status().str();
  EXPECT_EQ(plan->cuts, 17914);
  EXPECT_LE(plan->gap(), 0.05);
  EXPECT_EQ(plan->seconds, evaluate(problem, plan->stages));
}

TEST(Stages, WhatNeverFitsIsProven) {
  StageProblem problem = onMachine(readPiperInput(piperFolder, "gnmt"), 64, 0.3, 480);
  tenon::Expected<StagePlan> plan = planStages(problem);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->stages.empty());
  EXPECT_TRUE(std::isinf(plan->bound));
}

TEST(Stages, RefusesMalformedProblems) {
  StageProblem good = randomStages(3);
  auto codeOf = [](const StageProblem &problem, StageOptions options = {}) {
    tenon::Expected<StagePlan> plan = planStages(problem, options);
    return plan.ok() ? std::string() : plan.status().error().code;
  };
  EXPECT_EQ(codeOf(good), "");
  StageProblem problem = good;
  problem.flows.push_back({0, 0, 1, {}, {}});
  EXPECT_EQ(codeOf(problem), "TN4001");
  problem = good;
  problem.layers.push_back(problem.layers[0]);
  int last = int(problem.layers.size()) - 1;
  problem.flows.push_back({0, last, 1, {}, {}});
  problem.flows.push_back({last, 0, 1, {}, {}});
  EXPECT_EQ(codeOf(problem), "TN4001");
  problem = good;
  problem.layers[0].variants[1][0].seconds = -1;
  EXPECT_EQ(codeOf(problem), "TN4001");
  StageOptions options;
  options.maxCuts = 1;
  EXPECT_EQ(codeOf(good, options), "TN4004");
}

} // namespace
