//===- Topology.cpp - The links of a cluster, and who loads them ----------===//
#include "tenon/Partition/Topology.h"

#include <algorithm>

namespace tenon::partition {

Topology::Topology(const cost::Cluster &cluster) : cluster(cluster) {
  int node = 0;
  std::vector<const cost::NodeGroup *> nodes;
  for (size_t group = 0; group < cluster.groups.size(); ++group)
    for (int64_t i = 0; i < cluster.groups[group].nodes; ++i, ++node) {
      nodes.push_back(&cluster.groups[group]);
      nodeOfRank.insert(nodeOfRank.end(), size_t(cluster.groups[group].devicesPerNode), node);
      groupOfRank.insert(groupOfRank.end(), size_t(cluster.groups[group].devicesPerNode), int(group));
    }
  for (int rank = 0; rank < devices(); ++rank) {
    const std::string name = "device " + std::to_string(rank);
    all.push_back({name + " out", groupOf(rank).link.bandwidth});
    all.push_back({name + " in", groupOf(rank).link.bandwidth});
  }
  const double share = cluster.constants.networkShare;
  for (size_t i = 0; i < nodes.size(); ++i) {
    // A single machine may say nothing of a network, and then nothing goes over it.
    const double bandwidth = nodes[i]->network > 0 ? nodes[i]->network * share : 1;
    all.push_back({"node " + std::to_string(i) + " out", bandwidth});
    all.push_back({"node " + std::to_string(i) + " in", bandwidth});
  }
}

const cost::NodeGroup &Topology::groupOf(int rank) const { return cluster.groups[size_t(groupOfRank[size_t(rank)])]; }

double Topology::load(Task &task, int from, int to, double bytes) const {
  auto add = [&](int link) {
    auto found = std::find_if(task.loads.begin(), task.loads.end(), [&](const LinkLoad &l) { return l.link == link; });
    if (found != task.loads.end())
      found->bytes += bytes;
    else
      task.loads.push_back({link, bytes});
  };
  add(out(from));
  add(in(to));
  if (nodeOf(from) == nodeOf(to))
    return groupOf(from).link.latency;
  add(nodeOut(from));
  add(nodeIn(to));
  return cluster.networkLatency + cluster.constants.networkLatency;
}

Task Topology::transfer(std::string name, int from, int to, double bytes) const {
  Task task;
  task.name = std::move(name);
  if (from != to)
    task.seconds = load(task, from, to, bytes);
  return task;
}

Task Topology::collective(std::string name, CollectiveKind kind, std::span<const int> ranks, double bytes) const {
  Task task;
  task.name = std::move(name);
  const size_t count = ranks.size();
  if (count < 2 || kind == CollectiveKind::Slice)
    return task;
  const double rounds = kind == CollectiveKind::AllReduce ? 2.0 * double(count - 1) : double(count - 1);
  if (kind == CollectiveKind::AllToAll) {
    // Each pair exchanges a part; the parts from one rank follow each other.
    double latency = 0;
    for (int from : ranks)
      for (int to : ranks)
        if (from != to)
          latency = std::max(latency, load(task, from, to, bytes / double(count)));
    task.seconds = rounds * latency;
    return task;
  }
  double latency = 0;
  for (size_t i = 0; i < count; ++i)
    latency = std::max(latency, load(task, ranks[i], ranks[(i + 1) % count], rounds * bytes / double(count)));
  task.seconds = rounds * latency;
  const bool isInNode = std::all_of(ranks.begin(), ranks.end(), [&](int r) { return nodeOf(r) == nodeOf(ranks[0]); });
  if (isInNode && kind == CollectiveKind::AllReduce) {
    // As if the links were as fast as what was measured says: alone it takes that long, with others in turn longer.
    const double seconds = cost::allReduceInNode(cluster, int(count), bytes);
    task.seconds = std::min(task.seconds, seconds);
    for (LinkLoad &entry : task.loads)
      entry.bytes = (seconds - task.seconds) * all[size_t(entry.link)].bandwidth;
  }
  return task;
}

} // namespace tenon::partition
