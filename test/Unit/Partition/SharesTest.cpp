//===- SharesTest.cpp - Uneven shares against every way to deal -----------===//
#include "tenon/Partition/Shares.h"
#include "tenon/Partition/Strategies.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace tenon::partition;

namespace {

/// Calls `visit` with every way to deal `left` units to the workers from `worker` on.
void everyWay(std::vector<int64_t> &units, size_t worker, int64_t left, const std::function<void()> &visit) {
  if (worker + 1 == units.size()) {
    units[worker] = left;
    return visit();
  }
  for (units[worker] = 0; units[worker] <= left; ++units[worker])
    everyWay(units, worker + 1, left - units[worker], visit);
}

TEST(Shares, parts_by_weights) {
  const std::vector<int64_t> weights = {5, 2, 0, 1};
  std::vector<int64_t> begins;
  for (size_t part = 0; part <= 4; ++part)
    begins.push_back(partBegin(20, weights, part));
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 13, 18, 18, 20}));
  // Equal weights are no weights.
  for (int64_t extent = 0; extent < 40; ++extent)
    for (size_t part = 0; part < 7; ++part)
      EXPECT_EQ(partBegin(extent, std::vector<int64_t>(7, 3), part), (extent * int64_t(part) + 6) / 7);
}

TEST(Shares, dealing_equals_the_best_of_all_ways) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const int workers = 2 + int(random() % 3);
    const int64_t units = 1 + random() % 12;
    std::vector<double> perUnit, fixed;
    std::vector<int64_t> most;
    for (int i = 0; i < workers; ++i) {
      perUnit.push_back(1 + random() % 9);
      fixed.push_back(random() % 5);
      most.push_back(1 + random() % 12);
    }
    auto seconds = [&](int worker, int64_t n) {
      const size_t i = size_t(worker);
      return n == 0 ? 0 : n > most[i] ? HUGE_VAL : fixed[i] + perUnit[i] * double(n);
    };
    auto slowest = [&](const std::vector<int64_t> &dealt) {
      double time = 0;
      for (int i = 0; i < workers; ++i)
        time = std::max(time, seconds(i, dealt[size_t(i)]));
      return time;
    };
    double least = HUGE_VAL;
    std::vector<int64_t> way(size_t(workers), 0);
    everyWay(way, 0, units, [&] { least = std::min(least, slowest(way)); });
    const std::vector<int64_t> dealt = dealUnits(units, workers, seconds);
    ASSERT_EQ(dealt.empty(), std::isinf(least));
    if (!dealt.empty())
      EXPECT_DOUBLE_EQ(slowest(dealt), least);
  }
}

TEST(Shares, ratios_equalise_the_time) {
  const std::vector<int64_t> dealt = dealUnits(
      7000, 3, [](int worker, int64_t n) { return double(n) * std::vector<double>{1, 2, 4}[size_t(worker)]; });
  EXPECT_EQ(dealt, (std::vector<int64_t>{4000, 2000, 1000}));
}

TEST(Shares, steps_equal_the_best_of_all_ways_and_descent_comes_near) {
  std::mt19937 random(2);
  for (int round = 0; round < 40; ++round) {
    std::vector<WorkerKind> kinds(2 + round % 2);
    for (WorkerKind &kind : kinds) {
      kind.count = 1 + int(random() % 4);
      for (int step = 0; step < 4; ++step)
        kind.perUnit.push_back(1 + random() % 20);
    }
    std::vector<int64_t> way(kinds.size(), 0);
    double least = HUGE_VAL;
    everyWay(way, 0, 30, [&] { least = std::min(least, secondsOfShares(way, kinds)); });
    EXPECT_DOUBLE_EQ(secondsOfShares(dealSteps(30, kinds), kinds), least);
    // So many that they are not all tried, of which the former are a bound: a share of them scales.
    const int64_t many = 3'000'000;
    EXPECT_LE(secondsOfShares(dealSteps(many, kinds), kinds), least * double(many) / 30 * 1.02);
  }
}

TEST(Shares, strategies_on_a_line_of_unlike_devices) {
  LoopNest nest;
  nest.loops = {{"m", 40, false, true}};
  nest.result = {{{40, 8}, 4}, {0, -1}};
  Mesh mesh = {{"data", 2, {}, {1, 3}}};
  auto even = enumerateStrategies(nest, mesh);
  ASSERT_EQ(even.size(), 2u);
  EXPECT_DOUBLE_EQ(even[0].share, 3); // every device does all of it
  EXPECT_DOUBLE_EQ(even[1].share, 1.5);
  mesh[0].weights = {3, 1};
  auto uneven = enumerateStrategies(nest, mesh);
  EXPECT_DOUBLE_EQ(uneven[1].share, 0.75);
  EXPECT_EQ(partBytes(nest.result.shape, mesh, uneven[1].result), 30 * 8 * 4);
}

} // namespace
