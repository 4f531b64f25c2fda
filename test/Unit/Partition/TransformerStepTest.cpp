//===- TransformerStepTest.cpp - Predicted training steps -----------------===//
#include "tenon/Partition/TransformerStep.h"

#include "gtest/gtest.h"

using namespace tenon;
using namespace tenon::partition;

namespace {

const cost::Cluster &a100() {
  static const cost::Cluster cluster = *cost::findCluster("a100");
  return cluster;
}

const Transformer gpt175{12288, 49152, 96, 96, 2048, 51200};

TEST(TransformerStep, counts_parameters) {
  EXPECT_NEAR(gpt175.layerParameters() * gpt175.layers + gpt175.embeddingParameters(), 175e9, 1e9);
}

/// Korthikanti et al., MLSys 2023, figure 1: activations of 22B and 175B per device, none kept back and with both.
TEST(TransformerStep, memory_of_activations_as_published) {
  const Transformer gpt22{6144, 24576, 64, 48, 2048, 51200};
  StepPlan plan{1, 8, 1, 4, 4, 1, Recompute::Selective, true};
  const double layer = 34.0 * 2048 * 4 * 6144 / 8;
  StepPlan none = plan;
  none.recompute = Recompute::None;
  EXPECT_NEAR(stepMemory(gpt22, none) - stepMemory(gpt22, plan), 48.0 * 5 * 64 * 2048 * 2048 * 4 / 8, 1);
  StepPlan full = plan;
  full.recompute = Recompute::Full;
  EXPECT_NEAR(stepMemory(gpt22, plan) - stepMemory(gpt22, full), 48 * (layer - 2.0 * 2048 * 4 * 6144 / 8), 1);
}

TEST(TransformerStep, more_ranks_take_less_time_and_full_recomputation_more) {
  StepPlan plan{4, 8, 8, 1536, 2, 1, Recompute::Full, false};
  const double full = predictStep(a100(), gpt175, plan).total;
  StepPlan twice = plan;
  twice.data = 8;
  EXPECT_LT(predictStep(a100(), gpt175, twice).total, 0.6 * full);
  StepPlan none = plan;
  none.recompute = Recompute::None;
  EXPECT_NEAR(predictStep(a100(), gpt175, none).total / full, 0.75, 0.05);
}

TEST(TransformerStep, refuses_what_does_not_divide) {
  StepPlan plan{5, 1, 1, 12, 1};
  EXPECT_EQ(checkPlan(gpt175, plan).error().code, "TN4013");
  plan = {1, 1, 1, 12, 1, 2};
  EXPECT_EQ(checkPlan(gpt175, plan).error().code, "TN4013");
  plan = {1, 8, 8, 12, 1, 2};
  EXPECT_EQ(checkPlan(gpt175, plan).error().code, "TN4013");
  EXPECT_EQ(completePlan(a100(), gpt175, {1, 1, 1, 8}).status().error().code, "TN4014");
}

TEST(TransformerStep, a_fit_finds_the_constants_that_made_the_steps) {
  cost::Cluster truth = a100();
  truth.constants.computeShare = 0.6;
  truth.constants.launchLayer = 2e-3;
  std::vector<MeasuredStep> steps;
  for (double hidden : {1024.0, 4096.0, 8192.0})
    for (int tensor : {1, 2, 8})
      for (int microbatch : {1, 4}) {
        MeasuredStep step{{hidden, 4 * hidden, 32, 24, 2048, 51200}, {2, tensor, 2, 64, microbatch}};
        step.seconds = predictStep(truth, step.model, step.plan).total;
        steps.push_back(step);
      }
  cost::Cluster fitted = a100();
  fitted.constants = fitConstants(fitted, steps);
  for (const MeasuredStep &step : steps)
    EXPECT_NEAR(predictStep(fitted, step.model, step.plan).total / step.seconds, 1, 0.02);
}

} // namespace
