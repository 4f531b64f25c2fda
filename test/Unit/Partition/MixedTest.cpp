//===- MixedTest.cpp - Plans for devices that are not alike ---------------===//
#include "MixedClusters.h"

#include "tenon/Partition/UnevenCopies.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

using namespace tenon;
using namespace tenon::partition;

namespace {

/// Both kinds together beat either alone; test/Bench/partition.py counts on more clusters.
TEST(Mixed, both_kinds_beat_the_better_one) {
  int better = 0, feasible = 0;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const MixedOutcome outcome = compareMixed(randomMixedCase(seed));
    EXPECT_LE(outcome.stages, outcome.alone * 1.001);
    EXPECT_LE(outcome.bound, outcome.together());
    feasible += outcome.together() < 1e300;
    better += outcome.together() < 0.999 * outcome.alone;
  }
  EXPECT_EQ(feasible, 3);
  EXPECT_EQ(better, 3);
}

TEST(Mixed, copies_get_samples_by_their_speed) {
  MixedCase mixed = randomMixedCase(1);
  mixed.a100.groups.front().nodes = mixed.l4.groups.front().nodes = 1;
  mixed.a100.groups.front().devicesPerNode = mixed.l4.groups.front().devicesPerNode = 2;
  mixed.model = {1024, 4096, 8, 16, 2048, 51200};
  const JointTransformer fast(mixed.a100, mixed.model), slow(mixed.l4, mixed.model);
  const UnevenCopies copies({{&fast, 2, 76e9}, {&slow, 2, 22e9}});
  const Form form{1, 4, JointTransformer::variantOf(Recompute::Full, false)};
  const std::vector<int64_t> shares = copies.shares(form, 64, 1);
  ASSERT_EQ(shares.size(), 4u);
  EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), int64_t(0)), 64);
  EXPECT_GT(shares[0], 2 * shares[2]);
  // One sample more or less anywhere makes the slowest slower, or changes nothing.
  auto seconds = [&](const JointTransformer &model, int64_t samples) {
    double sum = 0;
    for (int kind : model.chain()) {
      const PassSeconds pass = model.price(kind, {1, 1, form.variant}, int(samples), 1)->seconds;
      sum += pass.forward + pass.backwardInput + pass.backwardWeight;
    }
    return sum;
  };
  const double slowest = std::max(seconds(fast, shares[0]), seconds(slow, shares[2]));
  EXPECT_GE(seconds(fast, shares[1] + 1), slowest * (1 - 1e-12));
  EXPECT_GE(seconds(slow, shares[3] + 1), slowest * (1 - 1e-12));
  // Three devices of one kind cannot be shared out to copies of two.
  EXPECT_TRUE(UnevenCopies({{&fast, 3, 76e9}, {&slow, 2, 22e9}}).shares({2, 2, 0}, 64, 1).empty());
}

} // namespace
