//===- MixedClusters.cpp - Random clusters of A100 and L4 devices ---------===//
#include "MixedClusters.h"

#include "tenon/Partition/UnevenCopies.h"

#include <algorithm>
#include <limits>
#include <random>

namespace tenon::partition {

std::string MixedCase::describe() const {
  auto nodes = [](const cost::Cluster &cluster) {
    const cost::NodeGroup &group = cluster.groups.front();
    return std::to_string(group.nodes) + " x " + std::to_string(group.devicesPerNode);
  };
  return nodes(a100) + " | " + nodes(l4) + " | " + std::to_string(a100.groups.front().network / 1e9).substr(0, 5) +
         " | " + std::to_string(model.layers) + " x " + std::to_string(int(model.hidden)) + " | " +
         std::to_string(batch);
}

MixedCase randomMixedCase(uint64_t seed) {
  std::mt19937_64 random(seed);
  auto pick = [&](std::initializer_list<double> list) { return *(list.begin() + random() % list.size()); };
  MixedCase mixed{*cost::findCluster("a100"), *cost::findCluster("l4"), {}, 1};
  const double network = pick({12.5e9, 25e9, 50e9, 100e9});
  for (cost::Cluster *cluster : {&mixed.a100, &mixed.l4}) {
    cost::NodeGroup &group = cluster->groups.front();
    group.nodes = int64_t(cluster == &mixed.a100 ? pick({1, 2}) : pick({1, 2, 3, 4}));
    group.devicesPerNode = int64_t(pick({2, 4, 8}));
    group.network = network;
  }
  const double hidden = pick({1024, 1536, 2048, 3072, 4096});
  mixed.model = {hidden, 4 * hidden, hidden / 128, int(pick({16, 24, 32, 48})), 2048, 51200};
  mixed.batch = int(pick({64, 128, 256, 512}));
  return mixed;
}

MixedOutcome compareMixed(const MixedCase &mixed) {
  constexpr double never = std::numeric_limits<double>::infinity();
  const JointTransformer fast(mixed.a100, mixed.model), slow(mixed.l4, mixed.model);
  auto groupOf = [](const JointTransformer &model, const cost::Cluster &cluster) {
    return JointGroup{&model, int(cluster.devices()), 0.95 * double(cluster.groups.front().device.memoryBytes)};
  };
  const JointGroup many = groupOf(fast, mixed.a100), others = groupOf(slow, mixed.l4);
  MixedOutcome outcome{never, never, never, never};
  auto best = [&](std::vector<JointGroup> groups, bool isTogether) {
    auto answer = solve(JointProblem{std::move(groups), mixed.batch, {}});
    if (answer.ok() && isTogether)
      outcome.bound = std::min(outcome.bound, answer->bound);
    return answer.ok() ? answer->seconds : never;
  };
  for (const JointGroup &group : {many, others})
    outcome.alone = std::min(outcome.alone, best({group}, false));
  outcome.stages = best({many, others}, true);
  const UnevenCopies copies({many, others});
  outcome.copies = best({{&copies, many.devices + others.devices, 1}}, true);
  return outcome;
}

} // namespace tenon::partition
