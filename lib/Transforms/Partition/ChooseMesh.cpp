//===- ChooseMesh.cpp - Devices as a mesh, and what moving between them costs -===//
#include "ChooseMesh.h"
#include "PartitionPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace tenon {

static constexpr int maxSize = partition::maxRanks; ///< devices of an axis, or stages

int64_t Parallel::devices() const {
  int64_t count = stages;
  for (const ParallelAxis &axis : axes)
    count *= axis.size;
  return count;
}

std::string Parallel::str() const {
  std::string text;
  for (const ParallelAxis &axis : axes)
    text += (text.empty() ? "" : ",") + axis.name + ":" + std::to_string(axis.size);
  if (stages > 1)
    text += (text.empty() ? "" : ",") + ("pipeline:" + std::to_string(stages));
  return text.empty() ? "none" : text;
}

Expected<Parallel> parseParallel(llvm::StringRef text) {
  Parallel parallel;
  if (text == "auto")
    return parallel;
  auto wrong = [&](const std::string &what) {
    return Status::error("TN4022", "'" + text.substr(0, 64).str() + "': " + what, "",
                         "write auto, or data:N, tensor:N and pipeline:N with commas between");
  };
  parallel.isAuto = false;
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  llvm::SmallVector<llvm::StringRef> seen;
  for (llvm::StringRef part : parts) {
    const auto [name, number] = part.split(':');
    int size = 0;
    if (name != "data" && name != "tensor" && name != "pipeline")
      return wrong("there is no axis '" + name.substr(0, 32).str() + "'");
    if (number.getAsInteger(10, size) || size < 1 || size > maxSize)
      return wrong("the size of '" + name.str() + "' is not a whole number from 1 to " + std::to_string(maxSize));
    if (llvm::is_contained(seen, name))
      return wrong("'" + name.str() + "' is there twice");
    seen.push_back(name);
    if (name == "pipeline")
      parallel.stages = size;
    else if (size > 1)
      parallel.axes.push_back({name.str(), size});
  }
  return parallel;
}

Expected<PartitionPin> parsePin(llvm::StringRef text) {
  const auto [node, strategy] = text.rsplit('=');
  if (node.empty() || strategy.empty())
    return Status::error("TN4023", "'" + text.substr(0, 64).str() + "' is not NODE=STRATEGY", "",
                         "write a node and a strategy as `tenon partition` prints them");
  return PartitionPin{node.str(), strategy.str()};
}

namespace choice {

static const cost::NodeGroup &groupOf(const cost::Cluster &cluster, int64_t rank) {
  for (const cost::NodeGroup &group : cluster.groups) {
    if (rank < group.nodes * group.devicesPerNode)
      return group;
    rank -= group.nodes * group.devicesPerNode;
  }
  return cluster.groups.back();
}

std::vector<size_t> groupsOf(const cost::Cluster &cluster, int64_t count) {
  std::vector<size_t> groups;
  for (size_t i = 0; i < cluster.groups.size(); ++i)
    for (int64_t k = cluster.groups[i].nodes * cluster.groups[i].devicesPerNode;
         k > 0 && int64_t(groups.size()) < count; --k)
      groups.push_back(i);
  return groups;
}

/// Of devices that take `seconds` each for the same work.
static std::vector<int64_t> inverseShares(const std::vector<double> &seconds) {
  constexpr double steps = 64; // of the fastest
  const double fastest = *std::min_element(seconds.begin(), seconds.end());
  std::vector<int64_t> shares;
  int64_t common = 0;
  for (double each : seconds) {
    shares.push_back(std::max<int64_t>(1, std::lround(steps * fastest / each)));
    common = std::gcd(common, shares.back());
  }
  for (int64_t &share : shares)
    share /= common;
  return shares;
}

std::vector<std::vector<int64_t>> sharesOf(const std::vector<size_t> &groups, const std::vector<double> &seconds,
                                           const partition::Mesh &mesh) {
  std::vector<std::vector<int64_t>> shares(mesh.size());
  int64_t inner = int64_t(groups.size());
  for (size_t axis = 0; axis < mesh.size(); ++axis) {
    inner /= mesh[axis].size;
    std::vector<double> slowest(mesh[axis].size, 0);
    for (size_t rank = 0; rank < groups.size(); ++rank) {
      double &mine = slowest[int64_t(rank) / inner % mesh[axis].size];
      mine = std::max(mine, seconds[groups[rank]]);
    }
    std::vector<int64_t> mine = inverseShares(slowest);
    if (llvm::all_equal(mine))
      continue;
    shares[axis] = std::move(mine);
    break;
  }
  return shares;
}

namespace {

/// How a group of ranks along an axis lies in nodes.
struct Line {
  int64_t inNode = 1, nodes = 1;
  int64_t sharers = 1; ///< groups whose messages leave a node at once
};

Line lineOf(int64_t devicesPerNode, int64_t stride, int64_t size) {
  Line line;
  line.inNode = std::clamp<int64_t>(devicesPerNode / stride, 1, size);
  line.nodes = (size + line.inNode - 1) / line.inNode;
  line.sharers = std::max<int64_t>(1, std::min(devicesPerNode, stride * line.inNode) / line.inNode);
  return line;
}

/// Seconds between kernels that wait for each other: no message is faster than that.
constexpr double rendezvous = 5e-6;

} // namespace

/// An all-reduce, or, as half of one, anything that moves each byte once: parts of a node first, then between nodes.
static double secondsOf(const cost::Cluster &cluster, const Line &line, partition::CollectiveKind kind, double bytes) {
  double seconds = cost::allReduceInNode(cluster, int(line.inNode), bytes) / cluster.constants.collectiveShare;
  if (line.nodes > 1) {
    const cost::NodeGroup &node = cluster.groups.front();
    const double network = node.network > 0 ? node.network : node.link.bandwidth;
    seconds += cost::allReduceBetweenNodes(double(line.nodes), bytes / double(line.inNode),
                                           network * cluster.constants.networkShare / double(line.sharers),
                                           cluster.constants.networkLatency + cluster.networkLatency);
  }
  return rendezvous + (kind == partition::CollectiveKind::AllReduce ? seconds : seconds / 2);
}

partition::CollectiveSeconds clusterSeconds(const cost::Cluster &cluster, const partition::Mesh &mesh) {
  std::vector<Line> lines(mesh.size());
  int64_t stride = 1;
  for (size_t i = mesh.size(); i-- > 0; stride *= mesh[i].size)
    lines[i] = lineOf(cluster.groups.front().devicesPerNode, stride, mesh[i].size);
  return [&cluster, mesh, lines](const partition::CollectiveStep &step) {
    if (step.kind == partition::CollectiveKind::Slice || mesh[step.axis].size == 1)
      return 0.0;
    return secondsOf(cluster, lines[step.axis], step.kind, double(step.bytes));
  };
}

cost::Link stageLink(const cost::Cluster &cluster, int64_t devicesOfStage, int stages) {
  const cost::NodeGroup &node = groupOf(cluster, 0);
  if (devicesOfStage * stages <= node.devicesPerNode)
    return {node.link.bandwidth * cluster.constants.collectiveShare, rendezvous + node.link.latency};
  const double network = node.network > 0 ? node.network : node.link.bandwidth;
  return {network * cluster.constants.networkShare / double(std::min(devicesOfStage, node.devicesPerNode)),
          rendezvous + cluster.constants.networkLatency + cluster.networkLatency};
}

std::vector<Parallel> candidates(int64_t devices, int stages) {
  std::vector<int> sizes;
  for (int size = 1; size <= maxSize; ++size)
    if (devices % size == 0)
      sizes.push_back(size);
  std::vector<Parallel> all;
  for (int depth : sizes)
    for (int data : sizes)
      for (int tensor : sizes) {
        if (depth > stages || devices % (int64_t(depth) * data * tensor) != 0)
          continue;
        Parallel &form = all.emplace_back();
        form.isAuto = false;
        form.stages = depth;
        if (data > 1)
          form.axes.push_back({"data", data});
        if (tensor > 1)
          form.axes.push_back({"tensor", tensor});
      }
  return all;
}

} // namespace choice
} // namespace tenon
