//===- TrainingTest.cpp - The solver on training steps --------------------===//
//
// How long these take is measured by test/Bench/partition.py; here it is how good the answers are.
//
//===----------------------------------------------------------------------===//
#include "TrainingGraph.h"

#include "tenon/Partition/Solver.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tenon::partition;

namespace {

void expectGap(const Problem &problem, double gap) {
  tenon::Expected<Answer> answer = solve(problem);
  ASSERT_TRUE(answer.ok()) << answer.status().str();
  ASSERT_TRUE(answer->found());
  EXPECT_TRUE(isFeasible(problem, answer->choice));
  EXPECT_NEAR(costOf(problem, answer->choice), answer->seconds, 1e-9 * answer->seconds);
  EXPECT_LE(answer->gap(), gap);
}

void expectGap(int layers, double capacity, double gap) {
  TrainingOptions options;
  options.layers = layers;
  options.capacity = capacity;
  expectGap(trainingGraph(options), gap);
}

TEST(Training, ThousandOpsWithoutLimit) { expectGap(10, 400e9, 1e-3); }
TEST(Training, ThousandOpsInHalfTheMemory) { expectGap(10, 18e9, 0.01); }
TEST(Training, ThousandOpsInATightLimit) { expectGap(10, 9e9, 0.01); }
TEST(Training, TenThousandOpsInATightLimit) { expectGap(96, 60e9, 0.01); }

TEST(Training, BertLarge) {
  for (double capacity : {16e9, 9e9, 8.3e9})
    expectGap(trainingGraph(TrainingOptions{24, 1024, 262144, 8, 8, 0, capacity}), 0.01);
}
TEST(Training, MixtureOfExperts) {
  for (double capacity : {20e9, 13e9, 12.6e9})
    expectGap(trainingGraph(TrainingOptions{12, 2048, 262144, 8, 8, 64, capacity}), 0.01);
}
TEST(Training, ResNet50) {
  for (auto [images, capacity] : {std::pair(2048.0, 80e9), {256.0, 0.45e9}, {64.0, 0.15e9}})
    expectGap(trainingGraph(ResNetOptions{images, 8, 8, capacity}), 0.01);
}

TEST(Training, SameAnswerTwice) {
  TrainingOptions options;
  options.layers = 2;
  options.capacity = 2.5e9;
  Problem problem = trainingGraph(options);
  EXPECT_EQ(solve(problem)->choice, solve(problem)->choice);
}

TEST(Training, WhatNeverFitsIsProven) {
  TrainingOptions options;
  options.layers = 4;
  options.capacity = 0.5e9;
  Problem problem = trainingGraph(options);
  tenon::Expected<Answer> answer = solve(problem);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->infeasible);
  EXPECT_GT(answer->shortage.peakBound, problem.capacity);
  EXPECT_LE(answer->shortage.peakBound, answer->shortage.smallestPeak);
}

} // namespace
