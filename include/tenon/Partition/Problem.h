//===- Problem.h - Which strategy each op takes: the problem --------------===//
//
// Intra-operator parallelism as a problem of numbers: each node takes one of its strategies, which has a price; an edge
// has a price for every pair of strategies of its ends (moving a tensor from one layout to another); tensors hold
// memory while they live, which is limited at every point of time. Knows no op and no mesh. Solver.h solves it.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_PROBLEM_H
#define TENON_PARTITION_PROBLEM_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tenon::partition {

/// What may not be chosen costs this.
inline constexpr double forbidden = std::numeric_limits<double>::infinity();

/// Memory of one device that a node's choice decides: a result, a weight, a gradient, or scratch space.
struct Tensor {
  std::string name;
  int first = 0; ///< the first point of time at which it is held
  int last = 0;  ///< the last one, inclusive
  /// Bytes on one device, for each strategy of the node.
  std::vector<int64_t> bytes;
};

/// An op, or a cluster of ops that are split alike.
struct Node {
  std::string name;
  /// Seconds, for each strategy: at least 0, or `forbidden`. Not empty.
  std::vector<double> seconds;
  std::vector<Tensor> tensors;
  /// Names of the strategies, for reports; may be empty.
  std::vector<std::string> strategies;
};

/// A tensor that `consumer` reads in a layout that may differ from `producer`'s.
struct Edge {
  int producer = 0, consumer = 0;
  /// Seconds of resharding: entry [i * strategies of consumer + j] where the producer takes i and the consumer j.
  std::vector<double> seconds;
};

/// A strategy that the user asks for.
struct Pin {
  int node = 0, strategy = 0;
};

struct Problem {
  std::vector<Node> nodes;
  std::vector<Edge> edges; ///< several between the same two nodes are fine
  int points = 1;          ///< points of time, 0 to points - 1
  /// Bytes of one device; held at every point.
  int64_t capacity = std::numeric_limits<int64_t>::max();
  std::vector<Pin> pins;
  /// Nodes of a group take the same strategy, by index.
  std::vector<std::vector<int>> groups;
};

/// A strategy for each node.
using Choice = std::vector<int>;

/// Whether `problem` is well-formed: indices in range, sizes that agree, finite or forbidden prices at least 0, bytes
/// at least 0 whose sum fits into 62 bits. TN4001 with the node and what is wrong with it.
Status check(const Problem &problem);

/// Seconds of `choice`, which has an entry in range for each node of a well-formed problem; infinite where it takes
/// what is forbidden. Pins and groups are not looked at.
double costOf(const Problem &problem, const Choice &choice);

/// Bytes that are held at each point of time.
std::vector<int64_t> usageOf(const Problem &problem, const Choice &choice);

/// Whether `choice` obeys pins and groups, takes nothing forbidden, and fits at every point.
bool isFeasible(const Problem &problem, const Choice &choice);

} // namespace tenon::partition

#endif // TENON_PARTITION_PROBLEM_H
