//===- Topology.h - The links of a cluster, and who loads them ------------===//
//
// Devices are ranks, in the order of the nodes. Each has a way out of it to the others of its node and one in; each
// node has a way out to other nodes and one in, which its devices share. A collective is a ring in the order of its
// ranks: what one rank hands on loads its way out, the next one's way in, and those of the nodes between.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_TOPOLOGY_H
#define TENON_PARTITION_TOPOLOGY_H

#include "tenon/Cost/Cluster.h"
#include "tenon/Partition/Layout.h"
#include "tenon/Partition/Simulator.h"

#include <span>

namespace tenon::partition {

class Topology {
public:
  /// Of all devices of `cluster`, which outlives this.
  explicit Topology(const cost::Cluster &cluster);

  /// Of a TaskGraph; tasks of this topology refer to them by index.
  const std::vector<TaskLink> &links() const { return all; }
  int devices() const { return int(nodeOfRank.size()); }
  int nodeOf(int rank) const { return nodeOfRank[size_t(rank)]; }
  /// The group of `cluster` that a rank belongs to.
  const cost::NodeGroup &groupOf(int rank) const;

  /// A task that sends `bytes` from one rank to another; without streams.
  Task transfer(std::string name, int from, int to, double bytes) const;
  /// A task that is a collective over `ranks`; `bytes` as in CollectiveStep. An all-reduce inside a node takes what
  /// cost::allReduceInNode says when nothing else uses its links. Without streams.
  Task collective(std::string name, CollectiveKind kind, std::span<const int> ranks, double bytes) const;

private:
  int out(int rank) const { return 2 * rank; }
  int in(int rank) const { return 2 * rank + 1; }
  int nodeOut(int rank) const { return 2 * (devices() + nodeOf(rank)); }
  int nodeIn(int rank) const { return nodeOut(rank) + 1; }
  /// Adds what `bytes` from one rank to another load; returns the latency.
  double load(Task &task, int from, int to, double bytes) const;

  const cost::Cluster &cluster;
  std::vector<TaskLink> all;
  std::vector<int> nodeOfRank, groupOfRank;
};

} // namespace tenon::partition

#endif // TENON_PARTITION_TOPOLOGY_H
