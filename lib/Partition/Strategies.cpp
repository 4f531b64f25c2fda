//===- Strategies.cpp - How an op can be split over a mesh ----------------===//
#include "tenon/Partition/Strategies.h"

#include "tenon/Partition/Shares.h"

#include <algorithm>

namespace tenon::partition {
namespace {

/// What one axis does: splits `loop`, and keeps parts of dimension `scatter` of a reduction.
struct AxisChoice {
  int loop = -1, scatter = -1;
};

std::vector<AxisChoice> choicesOf(const LoopNest &nest) {
  std::vector<AxisChoice> choices = {{}};
  for (int l = 0; l < int(nest.loops.size()); ++l) {
    if (!nest.loops[l].canSplit || nest.loops[l].extent < 2)
      continue;
    choices.push_back({l, -1});
    if (nest.loops[l].isReduction)
      for (int d = 0; d < int(nest.result.shape.extents.size()); ++d)
        choices.push_back({l, d});
  }
  return choices;
}

/// The dimension of `access` that `loop` runs over, or -1.
int dimensionOf(const Access &access, int loop) {
  auto found = std::find(access.loops.begin(), access.loops.end(), loop);
  return loop < 0 || found == access.loops.end() ? -1 : int(found - access.loops.begin());
}

Layout layoutOf(const Access &access, const std::vector<AxisChoice> &axes) {
  Layout layout;
  for (const AxisChoice &axis : axes)
    layout.push_back(dimensionOf(access, axis.loop));
  return layout;
}

/// Whether every loop and every scattered dimension has a point for each device.
bool hasPoints(const LoopNest &nest, const Mesh &mesh, const std::vector<AxisChoice> &axes, const Layout &result) {
  std::vector<int64_t> left;
  for (const Loop &loop : nest.loops)
    left.push_back(loop.extent);
  std::vector<int64_t> dimensions = nest.result.shape.extents;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].loop >= 0 && (left[axes[i].loop] = smallestPart(left[axes[i].loop], mesh[i])) == 0)
      return false;
    if (result[i] >= 0 && (dimensions[result[i]] = smallestPart(dimensions[result[i]], mesh[i])) == 0)
      return false;
  }
  return true;
}

/// The part of the seconds of the whole op that the slowest device takes. Along each axis that is the one with the most
/// work for its pace, or the slowest where the axis splits nothing.
double shareOf(const LoopNest &nest, const Mesh &mesh, const std::vector<AxisChoice> &axes) {
  std::vector<int64_t> left;
  for (const Loop &loop : nest.loops)
    left.push_back(loop.extent);
  double share = 1;
  for (size_t i = 0; i < axes.size(); ++i) {
    const MeshAxis &axis = mesh[i];
    if (axes[i].loop < 0) {
      share *= axis.pace.empty() ? 1 : *std::max_element(axis.pace.begin(), axis.pace.end());
      continue;
    }
    int64_t &extent = left[size_t(axes[i].loop)];
    int64_t slowest = largestPart(extent, axis);
    double slowestPace = axis.pace.empty() ? 1 : 0;
    for (size_t c = 0; c < axis.pace.size(); ++c) {
      const int64_t part = axis.weights.empty()
                               ? largestPart(extent, axis)
                               : partBegin(extent, axis.weights, c + 1) - partBegin(extent, axis.weights, c);
      if (double(part) * axis.pace[c] > double(slowest) * slowestPace) {
        slowest = part;
        slowestPace = axis.pace[c];
      }
    }
    share *= double(slowest) / double(extent) * slowestPace;
    extent = slowest;
  }
  return share;
}

std::string nameOf(const LoopNest &nest, const Mesh &mesh, const std::vector<AxisChoice> &axes) {
  std::string name;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].loop < 0)
      continue;
    name += (name.empty() ? "" : " ") + nest.loops[axes[i].loop].name + "@" + mesh[i].name;
    if (axes[i].scatter >= 0)
      name += ">" + std::to_string(axes[i].scatter);
  }
  return name.empty() ? "whole" : name;
}

/// Scatters first: what is left to reduce is smaller.
void addReductions(const LoopNest &nest, const Mesh &mesh, const std::vector<AxisChoice> &axes, OpStrategy &strategy) {
  auto add = [&](CollectiveKind kind, size_t i) {
    strategy.steps.push_back({kind, int(i), partBytes(nest.result.shape, mesh, strategy.result)});
  };
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i].scatter >= 0) {
      add(CollectiveKind::ReduceScatter, i);
      strategy.result[i] = axes[i].scatter;
    }
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i].loop >= 0 && nest.loops[axes[i].loop].isReduction && axes[i].scatter < 0)
      add(CollectiveKind::AllReduce, i);
}

} // namespace

std::vector<OpStrategy> enumerateStrategies(const LoopNest &nest, const Mesh &mesh) {
  std::vector<AxisChoice> choices = choicesOf(nest);
  std::vector<OpStrategy> strategies;
  std::vector<size_t> counter(mesh.size());
  while (true) {
    std::vector<AxisChoice> axes;
    for (size_t index : counter)
      axes.push_back(choices[index]);
    OpStrategy strategy;
    for (const AxisChoice &axis : axes)
      strategy.loops.push_back(axis.loop);
    for (const Access &operand : nest.operands)
      strategy.operands.push_back(layoutOf(operand, axes));
    strategy.result = layoutOf(nest.result, axes);
    addReductions(nest, mesh, axes, strategy);
    strategy.share = shareOf(nest, mesh, axes);
    strategy.name = nameOf(nest, mesh, axes);
    if (hasPoints(nest, mesh, axes, strategy.result))
      strategies.push_back(std::move(strategy));
    size_t i = mesh.size();
    while (i > 0 && ++counter[i - 1] == choices.size())
      counter[--i] = 0;
    if (i == 0)
      return strategies;
  }
}

Node makeNode(std::string name, const LoopNest &nest, const std::vector<OpStrategy> &strategies, double seconds,
              const Mesh &mesh, const CollectiveSeconds &collectives, int first, int last) {
  Node node;
  Tensor result{name, first, last, {}};
  node.name = std::move(name);
  for (const OpStrategy &strategy : strategies) {
    node.seconds.push_back(seconds * strategy.share + secondsOf(strategy.steps, collectives));
    node.strategies.push_back(strategy.name);
    result.bytes.push_back(partBytes(nest.result.shape, mesh, strategy.result));
  }
  node.tensors.push_back(std::move(result));
  return node;
}

Edge makeEdge(int producer, const std::vector<OpStrategy> &producerStrategies, int consumer,
              const std::vector<OpStrategy> &consumerStrategies, int operand, const TensorShape &shape,
              const Mesh &mesh, const CollectiveSeconds &collectives) {
  Edge edge{producer, consumer, {}};
  for (const OpStrategy &from : producerStrategies)
    for (const OpStrategy &to : consumerStrategies)
      edge.seconds.push_back(secondsOf(reshard(shape, mesh, from.result, to.operands[operand]), collectives));
  return edge;
}

} // namespace tenon::partition
