//===- ScheduleTest.cpp - Pipeline schedules ------------------------------===//
#include "tenon/Partition/Schedule.h"

#include "gtest/gtest.h"
#include <fstream>
#include <random>
#include <sstream>

using namespace tenon;
using namespace tenon::partition;

namespace {

Pipeline uniform(int stages, int microbatches, PassSeconds times, double transfer = 0) {
  return {stages, 1, microbatches, std::vector<PassSeconds>(size_t(stages), times), transfer};
}

double bubbleOf(const Pipeline &pipeline, const Schedule &schedule) {
  auto timeline = simulate(pipeline, schedule);
  EXPECT_TRUE(timeline.ok()) << timeline.status().str();
  return timeline ? timeline->bubble : -1;
}

TEST(Schedule, gpipe_and_1f1b_have_the_known_bubble) {
  const Pipeline pipeline = uniform(4, 12, {1, 1, 1});
  EXPECT_NEAR(bubbleOf(pipeline, gpipe(pipeline)), 3.0 / 15, 1e-12);
  EXPECT_NEAR(bubbleOf(pipeline, oneForwardOneBackward(pipeline)), 3.0 / 15, 1e-12);
}

TEST(Schedule, one_forward_one_backward_holds_as_many_microbatches_as_stages_follow) {
  const Pipeline pipeline = uniform(4, 12, {1, 1, 1});
  auto timeline = simulate(pipeline, oneForwardOneBackward(pipeline));
  ASSERT_TRUE(timeline);
  EXPECT_EQ(timeline->peakActivations, (std::vector<double>{4, 3, 2, 1}));
  auto all = simulate(pipeline, gpipe(pipeline));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->peakActivations, (std::vector<double>{12, 12, 12, 12}));
}

TEST(Schedule, interleaving_divides_the_bubble_by_the_chunks) {
  Pipeline pipeline = uniform(4, 8, {1, 1, 1});
  pipeline.chunks = 2;
  pipeline.times.assign(8, {0.5, 0.5, 0.5});
  auto schedule = interleaved(pipeline);
  ASSERT_TRUE(schedule);
  EXPECT_NEAR(bubbleOf(pipeline, *schedule), 1.5 / (8 + 1.5), 1e-12);
  pipeline.microbatches = 7;
  EXPECT_EQ(interleaved(pipeline).status().error().code, "TN4011");
}

TEST(Schedule, refuses_passes_that_wait_in_a_circle) {
  const Pipeline pipeline = uniform(2, 1, {1, 1, 1});
  const Schedule circle = {{{PassKind::Backward, 0}, {PassKind::Forward, 0}},
                           {{PassKind::Forward, 0}, {PassKind::Backward, 0}}};
  EXPECT_EQ(simulate(pipeline, circle).status().error().code, "TN4012");
  const Schedule incomplete = {{{PassKind::Forward, 0}}, {{PassKind::Forward, 0}}};
  EXPECT_EQ(simulate(pipeline, incomplete).status().error().code, "TN4012");
}

/// The measured pass times and published bubble rates of Qi et al.
TEST(Schedule, reproduces_the_bubble_rates_of_the_zero_bubble_paper) {
  std::ifstream file(TENON_TEST_DATA "/../../Data/cost-model/zero_bubble_rates.csv");
  std::string line;
  std::getline(file, line);
  int rows = 0;
  for (; std::getline(file, line); ++rows) {
    std::vector<double> row;
    std::stringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');)
      row.push_back(std::stod(cell));
    ASSERT_EQ(row.size(), 12u);
    const Pipeline pipeline =
        uniform(int(row[2]), int(row[3]), {row[4] * 1e-6, row[5] * 1e-6, row[6] * 1e-6}, row[7] * 1e-6);
    EXPECT_NEAR(bubbleOf(pipeline, oneForwardOneBackward(pipeline)), row[8], 5.1e-5) << line;
    EXPECT_NEAR(bubbleOf(pipeline, zeroBubble(pipeline, 1)), row[9], 5.1e-5) << line;
    EXPECT_NEAR(bubbleOf(pipeline, zeroBubble(pipeline, 2)), row[10], 5.1e-5) << line;
    const ActivationLimit limit = ActivationLimit::ofTransformer(pipeline.stages);
    auto searched = simulate(pipeline, searchZeroBubble(pipeline, limit), limit.keptForWeights);
    ASSERT_TRUE(searched);
    EXPECT_LE(searched->bubble, row[11] + 5e-5) << line;
    EXPECT_GE(searched->span, spanLowerBound(pipeline) * (1 - 1e-12));
    if (pipeline.stages == 8)
      EXPECT_LE(searched->span, spanLowerBound(pipeline) * 1.003);
    for (double peak : searched->peakActivations)
      EXPECT_LE(peak, limit.capacity + 1e-9);
  }
  EXPECT_EQ(rows, 12);
}

TEST(Schedule, the_searched_schedule_is_valid_and_no_worse_for_uneven_stages) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> seconds(0.5, 2);
  for (int trial = 0; trial < 30; ++trial) {
    Pipeline pipeline = uniform(2 + trial % 5, 4 + trial % 9, {}, 0.1);
    for (PassSeconds &times : pipeline.times)
      times = {seconds(random), seconds(random), seconds(random)};
    const ActivationLimit limit{double(pipeline.stages), 0.5};
    auto searched = simulate(pipeline, searchZeroBubble(pipeline, limit), limit.keptForWeights);
    ASSERT_TRUE(searched) << searched.status().str();
    auto fixed = simulate(pipeline, zeroBubble(pipeline, 1), limit.keptForWeights);
    ASSERT_TRUE(fixed);
    EXPECT_LE(searched->span, fixed->span * (1 + 1e-12)) << trial;
    EXPECT_GE(searched->span, spanLowerBound(pipeline) * (1 - 1e-12));
    for (double peak : searched->peakActivations)
      EXPECT_LE(peak, limit.capacity + 1e-9);
  }
}

} // namespace
