//===- Cluster.h - Devices, and what joins them ---------------------------===//
//
// A cluster is a JSON file: nodes, the devices of each, the links inside and between nodes, and what the software that
// drives them costs. docs/Rationale/TrainingSteps.md lists the names. The smallest is
// {"devices": [{"kind": "cpu", "count": 4}]}. Those of lib/Cost/Clusters are part of the compiler.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COST_CLUSTER_H
#define TENON_COST_CLUSTER_H

#include "tenon/Cost/Device.h"

namespace tenon::cost {

/// A way for bytes. Bandwidth in bytes per second of one direction.
struct Link {
  double bandwidth = 0;
  double latency = 0; ///< seconds
};

/// A measured all-reduce inside a node: seconds for as many bytes, by growing size.
struct CollectiveTable {
  int ranks = 0;
  std::vector<std::pair<double, double>> points;
};

/// Alike nodes.
struct NodeGroup {
  int64_t nodes = 1;
  Device device; ///< every device of these nodes
  int64_t devicesPerNode = 1;
  Link link;          ///< of a device to the others of its node
  double network = 0; ///< bytes per second of one direction from a node to others, by all its adapters together
};

/// What a device reaches of its peaks, and what the software around the kernels costs: measured with the cluster, or
/// fitted to times of whole steps by `tenon simulate --fit`.
struct StepConstants {
  double computeShare = 0.8;   ///< of the peak of the tensor cores, in large products
  double idleRows = 200;       ///< of a product: what its first and last tiles cost, in rows
  double memoryShare = 0.8;    ///< of the bandwidth, in elementwise kernels
  double softmaxShare = 0.8;   ///< of the bandwidth, in the softmax of attention
  double launchLayer = 1e-3;   ///< seconds of the processor that issues the kernels of a layer, forward
  double launchUnfused = 3e-4; ///< more of that where the softmax of attention is not one kernel
  double launchSkew = 0.2;     ///< the part more of that where eight ranks of a layer wait for each other
  double overlap = 4; ///< the norm in which the times of processor and device add: 1 the sum, large the greater
  double launchMicrobatch = 3e-3; ///< seconds of a microbatch in embedding and loss
  double step = 3e-3;             ///< seconds of a step besides
  double collectiveShare = 0.7;   ///< of the measured speed of a collective, next to kernels
  double networkShare = 0.8;      ///< of the bandwidth between nodes
  double networkLatency = 4e-5;   ///< seconds for a message between nodes
};

/// One figure of StepConstants: how files call it, and how large it may be.
struct ConstantName {
  const char *name;
  double StepConstants::*member;
  double most = 1e12;
};
/// All of them, in the order of the struct.
const std::vector<ConstantName> &constantNames();

struct Cluster {
  std::string name, title;
  std::vector<NodeGroup> groups;
  double networkLatency = 0; ///< seconds between nodes
  std::vector<CollectiveTable> allReduces;
  StepConstants constants;

  int64_t devices() const;
};

/// Reads a description. TN9040 with what is wrong.
Expected<Cluster> parseCluster(std::string_view json);
/// The descriptions of the compiler, by name in alphabetical order.
const std::vector<Cluster> &builtinClusters();
/// A description of the compiler by its name, or the file at a path (anything with a '/' or a '.'). TN9041.
Expected<Cluster> findCluster(const std::string &nameOrPath);

/// Seconds of an all-reduce of `bytes` over `ranks` devices of one node of `cluster`: its measured table where there is
/// one, else a ring. 0 for one rank.
double allReduceInNode(const Cluster &cluster, int ranks, double bytes);
/// Seconds of a ring all-reduce of `bytes` between `nodes` nodes, when a ring has `bandwidth` bytes a second.
double allReduceBetweenNodes(double nodes, double bytes, double bandwidth, double latency);

} // namespace tenon::cost

#endif // TENON_COST_CLUSTER_H
