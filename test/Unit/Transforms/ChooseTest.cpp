//===- ChooseTest.cpp - The numbers behind the choice of a partition -------===//
#include "../../../lib/Transforms/Partition/ChooseMesh.h"
#include "../../../lib/Transforms/Partition/ChooseStages.h"
#include "../../../lib/Transforms/Partition/ChooseStrategies.h"

#include <gtest/gtest.h>
#include <random>

using namespace tenon;
using namespace tenon::choice;
using tenon::partition::CollectiveKind;

namespace {

constexpr double infinite = partition::forbidden;

/// The slowest stage of the best of all cuts; infinite where none fits.
double tryAllCuts(const Chain &chain, int stages, int first) {
  const int count = int(chain.seconds.size());
  double best = infinite, seconds = first > 0 ? chain.entry[first] : 0;
  int64_t weights = 0, live = 0;
  for (int end = first + 1; end <= count - (stages - 1); ++end) {
    seconds += chain.seconds[end - 1];
    weights += chain.weights[end - 1];
    live = std::max(live, chain.live[end - 1]);
    if (weights + live > chain.capacity)
      break;
    if (stages > 1)
      best = std::min(best, std::max(seconds, tryAllCuts(chain, stages - 1, end)));
    else if (end == count)
      best = seconds;
  }
  return best;
}

double slowest(const Chain &chain, const std::vector<int> &firsts) {
  double worst = 0;
  for (size_t stage = 0; stage < firsts.size(); ++stage) {
    const int end = stage + 1 < firsts.size() ? firsts[stage + 1] : int(chain.seconds.size());
    double seconds = firsts[stage] > 0 ? chain.entry[firsts[stage]] : 0;
    for (int i = firsts[stage]; i < end; ++i)
      seconds += chain.seconds[i];
    worst = std::max(worst, seconds);
  }
  return worst;
}

TEST(ChooseStages, EqualsAllCuts) {
  std::mt19937 random(1);
  auto draw = [&](int most) { return int(random() % unsigned(most)); };
  int infeasible = 0;
  for (int round = 0; round < 2000; ++round) {
    const int count = 2 + draw(9), stages = 1 + draw(std::min(count, 4));
    Chain chain;
    chain.capacity = 5 + draw(40);
    chain.isJoined.assign(count, false);
    for (int i = 0; i <= count; ++i)
      chain.entry.push_back(draw(5));
    for (int i = 0; i < count; ++i) {
      chain.seconds.push_back(draw(20));
      chain.weights.push_back(draw(10));
      chain.live.push_back(draw(6));
    }
    const double best = tryAllCuts(chain, stages, 0);
    const std::vector<int> firsts = cutStages(chain, stages);
    infeasible += firsts.empty();
    ASSERT_EQ(firsts.empty(), best == infinite) << round;
    if (!firsts.empty()) {
      ASSERT_EQ(firsts.size(), size_t(stages));
      ASSERT_EQ(slowest(chain, firsts), best) << round;
    }
  }
  EXPECT_GT(infeasible, 50);
}

/// Placements on a grid: steps only undo what is in the way, and lead where they should.
TEST(ChooseProblem, ReshardingArrives) {
  const partition::Mesh mesh = {{"data", 2}, {"tensor", 2}};
  const partition::TensorShape shape = {{12, 8, 6}, 4};
  std::vector<Placement> placements;
  for (int a = -1; a < 3; ++a)
    for (int b = -1; b < 3; ++b)
      placements.push_back({{a, b}, shape.extents});
  for (const Placement &from : placements)
    for (const Placement &to : placements) {
      partition::Layout now = from.axes;
      for (const partition::CollectiveStep &step : reshardSteps(shape, mesh, from, to)) {
        if (step.kind == CollectiveKind::AllGather)
          now[step.axis] = -1;
        else
          now[step.axis] = to.axes[step.axis];
        // The inner axis of a dimension enters after the outer one, and leaves before it.
        EXPECT_GT(step.bytes, 0);
      }
      EXPECT_EQ(now, to.axes);
      EXPECT_EQ(reshardSteps(shape, mesh, from, to).empty(), from.axes == to.axes);
    }
}

TEST(ChooseProblem, PartsOfPartsGoInTheOrderOfAxes) {
  const partition::Mesh mesh = {{"data", 2}, {"tensor", 2}};
  const partition::TensorShape shape = {{12, 8}, 4};
  const Placement inner = {{-1, 0}, shape.extents}, outer = {{0, -1}, shape.extents}, both = {{0, 0}, shape.extents};
  // What "data" splits can be split further; what "tensor" alone splits has to be gathered first.
  ASSERT_EQ(reshardSteps(shape, mesh, outer, both).size(), 1u);
  EXPECT_EQ(reshardSteps(shape, mesh, outer, both)[0].kind, CollectiveKind::Slice);
  ASSERT_EQ(reshardSteps(shape, mesh, inner, both).size(), 3u);
  EXPECT_EQ(reshardSteps(shape, mesh, inner, both)[0].kind, CollectiveKind::AllGather);
}

TEST(ChooseProblem, HeadsAndColumnsAreCutAlike) {
  const partition::Mesh mesh = {{"tensor", 4}};
  const partition::TensorShape shape = {{10, 768}, 4};
  const Placement columns = {{1}, {10, 768}}, heads = {{1}, {10, 12}}, thirds = {{1}, {10, 9}};
  EXPECT_TRUE(reshardSteps(shape, mesh, columns, heads).empty());
  EXPECT_FALSE(reshardSteps(shape, mesh, heads, thirds).empty());
}

TEST(ChooseMesh, FormsDivideTheDevices) {
  const std::vector<Parallel> forms = candidates(12, 3);
  EXPECT_EQ(forms.front().str(), "none");
  bool hasMixed = false;
  for (const Parallel &form : forms) {
    EXPECT_EQ(12 % form.devices(), 0) << form.str();
    EXPECT_LE(form.stages, 3);
    hasMixed |= form.str() == "data:2,tensor:2,pipeline:3";
  }
  EXPECT_TRUE(hasMixed);
  EXPECT_TRUE(std::is_sorted(forms.begin(), forms.end(),
                             [](const Parallel &a, const Parallel &b) { return a.stages < b.stages; }));
}

TEST(ChooseMesh, ReadsForms) {
  auto form = parseParallel("tensor:4,pipeline:2,data:3");
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->str(), "tensor:4,data:3,pipeline:2");
  EXPECT_EQ(form->devices(), 24);
  EXPECT_TRUE(parseParallel("auto")->isAuto);
  EXPECT_EQ(parseParallel("data:1")->devices(), 1);
  for (const char *wrong : {"", "data", "data:", "data:x", "data:0", "data:-2", "data:5000", "data:2,", "data:2,data:2",
                            "rows:2", "data:2;tensor:2", "data:99999999999999999999"}) {
    auto refused = parseParallel(wrong);
    ASSERT_FALSE(refused.ok()) << wrong;
    EXPECT_EQ(refused.status().error().code, "TN4022");
  }
}

/// Messages inside a node are faster than those between nodes, and a sum is twice a gather.
TEST(ChooseMesh, LinksHavePrices) {
  const cost::Cluster cluster = *cost::findCluster("a100");
  const partition::Mesh mesh = {{"data", 4}, {"tensor", 8}};
  const partition::CollectiveSeconds seconds = clusterSeconds(cluster, mesh);
  const int64_t bytes = 64 << 20;
  EXPECT_EQ(seconds({CollectiveKind::Slice, 0, bytes}), 0);
  EXPECT_LT(seconds({CollectiveKind::AllReduce, 1, bytes}), seconds({CollectiveKind::AllReduce, 0, bytes}));
  EXPECT_LT(seconds({CollectiveKind::AllGather, 1, bytes}), seconds({CollectiveKind::AllReduce, 1, bytes}));
  EXPECT_LT(seconds({CollectiveKind::AllReduce, 1, bytes}), seconds({CollectiveKind::AllReduce, 1, 2 * bytes}));
}

} // namespace
