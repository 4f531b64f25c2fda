//===- ChooseStrategies.h - Ways to split the ops of a graph --------------===//
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CHOOSESTRATEGIES_H
#define TENON_LIB_TRANSFORMS_PARTITION_CHOOSESTRATEGIES_H

#include "ChooseGraph.h"
#include "tenon/Partition/Problem.h"
#include "tenon/Transforms/PartitionOptions.h"

namespace tenon::choice {

/// What an axis of the mesh does to an op: splits a loop, and keeps parts of dimension `scatter` of a sum's results.
struct AxisUse {
  int loop = -1, scatter = -1;
};

/// How a tensor lies: the dimension that each axis splits, or -1, and in how many units each dimension is cut.
struct Placement {
  partition::Layout axes;
  std::vector<int64_t> units;
  bool operator==(const Placement &) const = default;
};

struct Strategy {
  std::vector<AxisUse> axes;
  std::vector<Placement> operands, results; ///< results: after the reductions
  double share = 1;                         ///< of the iterations, on the device with the most
  double compute = 0, reduction = 0;        ///< seconds
  bool isRecomputed = false;                ///< the result is dropped between the way there and the way back
  std::string name;                         ///< "n@tensor m@data"; "whole"
};

/// What prices depend on besides the graph.
struct Setting {
  partition::Mesh mesh;  ///< of a stage
  bool isForced = false; ///< every op with samples is split along "data", every large one along "tensor"
  cost::Device device;
  std::vector<double> factors; ///< of each axis: the time of what it splits, for faster devices take more; empty: 1
  partition::CollectiveSeconds collectives;
  int64_t inputBytes = 0; ///< of what each device is given
  double forcedFlops = 0; ///< ops with at least as many must be split along a forced axis "tensor"
};

/// All strategies of `op` with their prices; never empty.
std::vector<Strategy> enumerateStrategies(const GraphOp &op, const Setting &setting);

/// The steps from one placement of a tensor to another. Parts nest in the order of the axes: an axis can only be added
/// inside of those that stay.
std::vector<partition::CollectiveStep> reshardSteps(const partition::TensorShape &shape, const partition::Mesh &mesh,
                                                    const Placement &from, const Placement &to);

/// Every dimension whole.
Placement wholePlacement(const partition::TensorShape &shape, const partition::Mesh &mesh);

/// The graph as a problem: a node for each op in order, then one for what leaves the graph. A point of time for each.
struct PricedGraph {
  std::vector<std::vector<Strategy>> strategies; ///< of each op
  partition::Problem problem;
  std::vector<int> lastUse; ///< of each op: the last point that reads a result of it
  /// Of each op that may be computed once more: its last reader on the way there, its first on the way back. Else -1.
  std::vector<std::array<int, 2>> gaps;
};
/// `recomputes`: results that the way back reads may be computed once more instead of kept.
PricedGraph priceGraph(const Graph &graph, const Setting &setting, int64_t capacity, bool recomputes = false);

/// Adds strategies that compute results once more, and `gaps`.
void allowRecomputation(const Graph &graph, PricedGraph &priced);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSESTRATEGIES_H
