//===- DynamicBatchTest.cpp - Decisions about one batch -------------------===//
#include "tenon/Runtime/DynamicBatch.h"
#include <gtest/gtest.h>

using namespace tenon::runtime;

static WorkerRates ratesOf(const std::vector<double> &rates, double overhead = 0) {
  WorkerRates result;
  result.overheadSeconds = overhead;
  for (double rate : rates)
    result.workers.emplace_back().observe(rate, rate > 0 ? 1 : 0);
  return result;
}

TEST(RateEstimate, IsTheMedianOfWhatWasSeen) {
  RateEstimate estimate;
  EXPECT_FALSE(estimate.isKnown());
  for (double seconds : {1.0, 1.1, 0.9, 1.0})
    estimate.observe(100, seconds);
  EXPECT_NEAR(estimate.rate(), 100, 10);
}

TEST(RateEstimate, OneDisturbanceCountsForTheNextPieceOnly) {
  RateEstimate estimate;
  for (int i = 0; i < 4; ++i)
    estimate.observe(100, 1);
  estimate.observe(100, 10);
  EXPECT_DOUBLE_EQ(estimate.rate(), 10);
  estimate.observe(100, 1);
  EXPECT_DOUBLE_EQ(estimate.rate(), 100);
}

TEST(RateEstimate, FollowsAWorkerThatBecameSlowerOrFaster) {
  RateEstimate estimate;
  for (int i = 0; i < 8; ++i)
    estimate.observe(100, 1);
  for (int i = 0; i < 3; ++i)
    estimate.observe(100, 0.1);
  EXPECT_DOUBLE_EQ(estimate.rate(), 1000);
  for (int i = 0; i < 2; ++i)
    estimate.observe(100, 1);
  EXPECT_DOUBLE_EQ(estimate.rate(), 100);
}

TEST(RateEstimate, IgnoresWhatSaysNothing) {
  RateEstimate estimate;
  estimate.observe(0, 1);
  estimate.observe(1, 0);
  estimate.observe(1, -1);
  EXPECT_FALSE(estimate.isKnown());
}

TEST(WorkerRates, AnUnknownWorkerIsLikeTheOthers) {
  WorkerRates rates = ratesOf({0, 1, 3});
  EXPECT_DOUBLE_EQ(rates.rateOf(0), 2);
  EXPECT_DOUBLE_EQ(ratesOf({0, 0}).rateOf(0), 0);
}

TEST(PredictedEnd, WhatIsLateBecomesLater) {
  EXPECT_DOUBLE_EQ(predictedEnd(10, 2, 11), 12);
  double previous = 0;
  for (double now = 12.1; now < 30; now += 0.1) {
    const double rest = predictedEnd(10, 2, now) - now;
    EXPECT_GT(rest, previous);
    previous = rest;
  }
  EXPECT_GT(predictedEnd(10, 2, 14), 20); // twice the time: rather stopped than about to end
}

TEST(DynamicBatch, FasterWorkersGetLargerPiecesThatShrink) {
  WorkerRates rates = ratesOf({100, 400});
  DynamicBatch batch(1000, rates, {});
  const SampleRange slow = *batch.next(0, 0).samples, fast = *batch.next(1, 0).samples;
  EXPECT_NEAR(double(fast.size()) / double(slow.size()), 4, 0.3);
  batch.finished(1, 0.5);
  EXPECT_LT(batch.next(1, 0.5).samples->size(), fast.size());
}

TEST(DynamicBatch, AnUnknownWorkerGetsLittleAtFirst) {
  WorkerRates rates = ratesOf({0, 0});
  DynamicBatch batch(1600, rates, {});
  EXPECT_EQ(batch.next(0, 0).samples->size(), 50);
}

TEST(DynamicBatch, OverheadKeepsPiecesLarge) {
  WorkerRates rates = ratesOf({1000}, 0.01);
  BatchOptions options;
  options.overheadShare = 0.1;
  DynamicBatch batch(1000, rates, options);
  double now = 0;
  while (!batch.isDone()) {
    const SampleRange piece = *batch.next(0, now).samples;
    EXPECT_TRUE(piece.size() >= 100 || piece.end == 1000);
    now += 0.01 + double(piece.size()) / 1000;
    batch.finished(0, now);
  }
}

TEST(DynamicBatch, TheFirstResultCounts) {
  WorkerRates rates = ratesOf({100, 100});
  DynamicBatch batch(200, rates, {});
  const SampleRange held = *batch.next(0, 0).samples;
  double now = 0;
  std::optional<SampleRange> again;
  std::vector<SampleRange> delivered;
  for (int i = 0; i < 10000 && !batch.isDone(); ++i) {
    const DynamicBatch::Step step = batch.next(1, now);
    if (!step.samples) {
      now = step.askAgain;
      continue;
    }
    if (step.samples->begin < held.end)
      again = step.samples;
    now += double(step.samples->size()) / 100;
    for (const SampleRange &range : batch.finished(1, now))
      delivered.push_back(range);
  }
  ASSERT_TRUE(again); // worker 0 never came back
  EXPECT_EQ(batch.repeated(), held.size());
  EXPECT_TRUE(batch.finished(0, now + 1).empty());
  int64_t sum = 0;
  for (const SampleRange &range : delivered)
    sum += range.size();
  EXPECT_EQ(sum, 200);
}

TEST(DynamicBatch, WhatALostWorkerHeldIsGivenToOthers) {
  WorkerRates rates = ratesOf({100, 100});
  DynamicBatch batch(100, rates, {});
  const SampleRange held = *batch.next(0, 0).samples;
  batch.leave(0);
  EXPECT_EQ(batch.present(), 1u);
  EXPECT_EQ(batch.next(1, 0).samples->begin, held.begin);
  batch.join(0);
  EXPECT_EQ(batch.present(), 2u);
}

TEST(DynamicBatch, ASlowWorkerDoesNotHoldUpTheEnd) {
  WorkerRates rates = ratesOf({1, 1000});
  DynamicBatch batch(10, rates, {});
  EXPECT_FALSE(batch.next(0, 0).samples);
  EXPECT_TRUE(batch.next(1, 0).samples);
}

TEST(DynamicBatch, AWorkerThatIsBusyIsExpectedBack) {
  WorkerRates rates = ratesOf({100, 100}), alone = ratesOf({100, 100});
  DynamicBatch batch(1000, rates, {}), other(1000, alone, {});
  batch.busy(1, 0, 1);
  other.leave(1);
  EXPECT_LT(batch.next(0, 0).samples->size(), other.next(0, 0).samples->size());
  EXPECT_TRUE(batch.finished(1, 0.01).empty());
  EXPECT_TRUE(batch.next(1, 0.01).samples);
}

TEST(DynamicBatch, EvenPartsAreGivenOnce) {
  WorkerRates rates = ratesOf({1, 2, 4});
  BatchOptions options;
  options.schedule = BatchSchedule::Even;
  DynamicBatch batch(10, rates, options);
  EXPECT_EQ(*batch.next(1, 0).samples, (SampleRange{4, 7}));
  EXPECT_EQ(*batch.next(0, 0).samples, (SampleRange{0, 4}));
  batch.finished(1, 1);
  EXPECT_FALSE(batch.next(1, 1).samples);
  EXPECT_EQ(*batch.next(2, 1).samples, (SampleRange{7, 10}));
  batch.leave(2);
  EXPECT_EQ(*batch.next(1, 2).samples, (SampleRange{7, 10})); // but what is lost has to be done
}

TEST(DynamicBatch, NoSamplesAreDoneAtOnce) {
  WorkerRates rates = ratesOf({1});
  DynamicBatch batch(0, rates, {});
  EXPECT_TRUE(batch.isDone());
  EXPECT_FALSE(batch.next(0, 0).samples);
}
