//===- Strategies.h - How an op can be split over a mesh ------------------===//
//
// From the loops of an op: each mesh axis splits one loop, or none. What that means for operands and result follows
// from which loop runs over which of their dimensions. A split reduction leaves partial sums, which are reduced at
// once: to the whole sum on every device, or to parts of it. makeNode and makeEdge turn that into a Problem.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_STRATEGIES_H
#define TENON_PARTITION_STRATEGIES_H

#include "tenon/Partition/Layout.h"
#include "tenon/Partition/Problem.h"

namespace tenon::partition {

struct Loop {
  std::string name;
  int64_t extent = 1;
  bool isReduction = false;
  /// Whether parts of it are independent: not so for a window, a running sum, or an axis that is normalised over.
  bool canSplit = true;
};

/// A tensor as loops see it.
struct Access {
  TensorShape shape;
  /// The loop that runs over each dimension, or -1: every iteration needs all of it.
  std::vector<int> loops;
};

/// An op: for every point of its loops, something is computed from the operands and added to, or becomes, the result.
struct LoopNest {
  std::vector<Loop> loops;
  std::vector<Access> operands;
  Access result;
};

/// One way to split an op.
struct OpStrategy {
  std::vector<int> loops;            ///< for each mesh axis the loop that it splits, or -1
  std::vector<Layout> operands;      ///< what each operand must be in
  Layout result;                     ///< what the result is in, after `steps`
  std::vector<CollectiveStep> steps; ///< reductions of partial sums
  double share = 1;                  ///< of the seconds of the op, on the device that takes longest
  std::string name;                  ///< such as "m@x k@y": loops and axes; "k@y>0" where parts of dimension 0 are kept
};

/// Every strategy in which a loop has at least as many points as devices that split it. In the order of the axes, no
/// split first: with l loops to split and a axes, at most (1 + l + reductions * dimensions)^a.
std::vector<OpStrategy> enumerateStrategies(const LoopNest &nest, const Mesh &mesh);

/// A node with a strategy for each of `strategies`: `seconds` of the whole op by its share, its reductions, and the
/// result as a tensor at points `first` to `last`.
Node makeNode(std::string name, const LoopNest &nest, const std::vector<OpStrategy> &strategies, double seconds,
              const Mesh &mesh, const CollectiveSeconds &collectives, int first, int last);

/// The edge by which operand `operand` of node `consumer` is the result of node `producer`.
Edge makeEdge(int producer, const std::vector<OpStrategy> &producerStrategies, int consumer,
              const std::vector<OpStrategy> &consumerStrategies, int operand, const TensorShape &shape,
              const Mesh &mesh, const CollectiveSeconds &collectives);

} // namespace tenon::partition

#endif // TENON_PARTITION_STRATEGIES_H
