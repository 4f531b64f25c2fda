//===- Layout.cpp - Where the parts of a tensor lie -----------------------===//
#include "tenon/Partition/Layout.h"

#include "tenon/Partition/Shares.h"

#include <algorithm>

namespace tenon::partition {

int64_t largestPart(int64_t extent, const MeshAxis &axis) {
  if (axis.weights.empty())
    return (extent + axis.size - 1) / axis.size;
  int64_t largest = 0;
  for (size_t i = 0; i < axis.weights.size(); ++i)
    largest = std::max(largest, partBegin(extent, axis.weights, i + 1) - partBegin(extent, axis.weights, i));
  return largest;
}

int64_t smallestPart(int64_t extent, const MeshAxis &axis) {
  if (axis.weights.empty())
    return extent / axis.size;
  int64_t smallest = extent;
  for (size_t i = 0; i < axis.weights.size(); ++i)
    if (axis.weights[i] > 0)
      smallest = std::min(smallest, partBegin(extent, axis.weights, i + 1) - partBegin(extent, axis.weights, i));
  return smallest;
}

int64_t partBytes(const TensorShape &shape, const Mesh &mesh, const Layout &layout) {
  int64_t bytes = shape.elementBytes;
  for (size_t d = 0; d < shape.extents.size(); ++d) {
    int64_t part = shape.extents[d];
    for (size_t axis = 0; axis < mesh.size(); ++axis)
      if (layout[axis] == int(d))
        part = largestPart(part, mesh[axis]);
    bytes *= part;
  }
  return bytes;
}

std::vector<CollectiveStep> reshard(const TensorShape &shape, const Mesh &mesh, const Layout &from, const Layout &to) {
  std::vector<CollectiveStep> steps;
  Layout now = from;
  auto move = [&](CollectiveKind kind, size_t axis) {
    int64_t before = partBytes(shape, mesh, now);
    now[axis] = to[axis];
    steps.push_back({kind, int(axis), kind == CollectiveKind::AllGather ? partBytes(shape, mesh, now) : before});
  };
  for (size_t axis = 0; axis < mesh.size(); ++axis)
    if (from[axis] < 0 && to[axis] >= 0)
      move(CollectiveKind::Slice, axis);
  for (size_t axis = 0; axis < mesh.size(); ++axis)
    if (from[axis] >= 0 && to[axis] >= 0 && from[axis] != to[axis])
      move(CollectiveKind::AllToAll, axis);
  for (size_t axis = 0; axis < mesh.size(); ++axis)
    if (from[axis] >= 0 && to[axis] < 0)
      move(CollectiveKind::AllGather, axis);
  return steps;
}

double secondsOf(const std::vector<CollectiveStep> &steps, const CollectiveSeconds &seconds) {
  double sum = 0;
  for (const CollectiveStep &step : steps)
    sum += seconds(step);
  return sum;
}

CollectiveSeconds ringSeconds(Mesh mesh, std::vector<RingLink> links) {
  return [mesh = std::move(mesh), links = std::move(links)](const CollectiveStep &step) -> double {
    int size = mesh[step.axis].size;
    if (step.kind == CollectiveKind::Slice || size == 1)
      return 0;
    const RingLink &link = links[step.axis];
    double once = (size - 1) * link.latency + double(step.bytes) * (size - 1) / size / link.bandwidth;
    return step.kind == CollectiveKind::AllReduce ? 2 * once : once;
  };
}

} // namespace tenon::partition
