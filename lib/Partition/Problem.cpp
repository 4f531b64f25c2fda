//===- Problem.cpp - Which strategy each op takes: the problem ------------===//
#include "tenon/Partition/Problem.h"

#include <algorithm>

namespace tenon::partition {
namespace {

Status malformed(std::string message, const std::string &node = {}) {
  return Status::error("TN4001", std::move(message), node, "this is a fault of what built the problem: report it");
}

/// Seconds may be infinite, but not negative or undefined.
bool isPrice(double seconds) { return seconds >= 0; }

constexpr int64_t maxTotal = int64_t(1) << 62;

Status checkTensor(const Problem &problem, const Node &node, const Tensor &tensor, int64_t &total) {
  if (tensor.first < 0 || tensor.first > tensor.last || tensor.last >= problem.points)
    return malformed("tensor '" + tensor.name + "' lives at points that do not exist", node.name);
  if (tensor.bytes.size() != node.seconds.size())
    return malformed("tensor '" + tensor.name + "' has sizes for " + std::to_string(tensor.bytes.size()) +
                         " strategies, expected " + std::to_string(node.seconds.size()),
                     node.name);
  int64_t most = 0;
  for (int64_t bytes : tensor.bytes) {
    if (bytes < 0)
      return malformed("tensor '" + tensor.name + "' has a negative size", node.name);
    most = std::max(most, bytes);
  }
  if (most > maxTotal - total)
    return malformed("the sizes of all tensors overflow", node.name);
  total += most;
  return {};
}

Status checkNodes(const Problem &problem) {
  int64_t total = 0;
  for (const Node &node : problem.nodes) {
    if (node.seconds.empty())
      return malformed("a node has no strategy", node.name);
    if (!std::all_of(node.seconds.begin(), node.seconds.end(), isPrice))
      return malformed("a strategy has a negative price", node.name);
    for (const Tensor &tensor : node.tensors)
      TENON_RETURN_IF_ERROR(checkTensor(problem, node, tensor, total));
  }
  return {};
}

Status checkEdges(const Problem &problem) {
  int count = int(problem.nodes.size());
  for (const Edge &edge : problem.edges) {
    if (edge.producer < 0 || edge.producer >= count || edge.consumer < 0 || edge.consumer >= count ||
        edge.producer == edge.consumer)
      return malformed("an edge does not lead from one node to another");
    const Node &producer = problem.nodes[edge.producer];
    const Node &consumer = problem.nodes[edge.consumer];
    if (edge.seconds.size() != producer.seconds.size() * consumer.seconds.size())
      return malformed("an edge to '" + consumer.name + "' has a matrix of another size", producer.name);
    if (!std::all_of(edge.seconds.begin(), edge.seconds.end(), isPrice))
      return malformed("an edge to '" + consumer.name + "' has a negative price", producer.name);
  }
  return {};
}

Status checkWishes(const Problem &problem) {
  int count = int(problem.nodes.size());
  for (const Pin &pin : problem.pins)
    if (pin.node < 0 || pin.node >= count || pin.strategy < 0 ||
        pin.strategy >= int(problem.nodes[pin.node].seconds.size()))
      return malformed("a pin names a node or strategy that does not exist");
  for (const std::vector<int> &group : problem.groups)
    for (int node : group) {
      if (node < 0 || node >= count)
        return malformed("a group names a node that does not exist");
      if (problem.nodes[node].seconds.size() != problem.nodes[group[0]].seconds.size())
        return malformed("a group joins nodes of different numbers of strategies", problem.nodes[node].name);
    }
  return {};
}

} // namespace

Status check(const Problem &problem) {
  if (problem.points < 1 || problem.capacity < 0)
    return malformed("there must be a point of time, and a capacity of at least 0");
  TENON_RETURN_IF_ERROR(checkNodes(problem));
  TENON_RETURN_IF_ERROR(checkEdges(problem));
  return checkWishes(problem);
}

double costOf(const Problem &problem, const Choice &choice) {
  double seconds = 0;
  for (size_t i = 0; i < problem.nodes.size(); ++i)
    seconds += problem.nodes[i].seconds[choice[i]];
  for (const Edge &edge : problem.edges) {
    size_t columns = problem.nodes[edge.consumer].seconds.size();
    seconds += edge.seconds[choice[edge.producer] * columns + choice[edge.consumer]];
  }
  return seconds;
}

std::vector<int64_t> usageOf(const Problem &problem, const Choice &choice) {
  std::vector<int64_t> usage(problem.points + 1);
  for (size_t i = 0; i < problem.nodes.size(); ++i)
    for (const Tensor &tensor : problem.nodes[i].tensors) {
      usage[tensor.first] += tensor.bytes[choice[i]];
      usage[tensor.last + 1] -= tensor.bytes[choice[i]];
    }
  for (int t = 1; t < problem.points; ++t)
    usage[t] += usage[t - 1];
  usage.pop_back();
  return usage;
}

bool isFeasible(const Problem &problem, const Choice &choice) {
  for (const Pin &pin : problem.pins)
    if (choice[pin.node] != pin.strategy)
      return false;
  for (const std::vector<int> &group : problem.groups)
    for (int node : group)
      if (choice[node] != choice[group[0]])
        return false;
  std::vector<int64_t> usage = usageOf(problem, choice);
  return costOf(problem, choice) < forbidden && *std::max_element(usage.begin(), usage.end()) <= problem.capacity;
}

} // namespace tenon::partition
