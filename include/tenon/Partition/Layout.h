//===- Layout.h - Where the parts of a tensor lie -------------------------===//
//
// Devices form a mesh; each axis of it splits one dimension of a tensor, or none. Dimensions need not divide: the first
// devices have the larger parts, or those with the larger weights. Changing a layout is a list of collectives along
// single axes.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_LAYOUT_H
#define TENON_PARTITION_LAYOUT_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tenon::partition {

struct MeshAxis {
  std::string name;
  int size = 1; ///< devices, at least 1
  /// The parts of what the axis splits, for each device (Shares.h); empty: alike.
  std::vector<int64_t> weights;
  /// How many times as long each device takes as the one whose seconds prices are; empty: as long.
  std::vector<double> pace;
};

/// Devices in a grid, slowest axis first.
using Mesh = std::vector<MeshAxis>;

/// For each mesh axis the dimension that it splits, or -1: each device along the axis has all of it.
using Layout = std::vector<int>;

struct TensorShape {
  std::vector<int64_t> extents;
  int64_t elementBytes = 4;
};

/// The largest part that `axis` makes of `extent`, and the smallest one of a device that has a weight.
int64_t largestPart(int64_t extent, const MeshAxis &axis);
int64_t smallestPart(int64_t extent, const MeshAxis &axis);

/// Bytes of the largest part. Several axes on a dimension split it one after the other: a part of a part.
int64_t partBytes(const TensorShape &shape, const Mesh &mesh, const Layout &layout);

enum class CollectiveKind : uint8_t {
  Slice,         ///< each device keeps its part of what it has: no communication
  AllToAll,      ///< an axis leaves one dimension and splits another
  AllGather,     ///< an axis stops to split
  ReduceScatter, ///< partial sums along an axis become parts of the sum
  AllReduce      ///< partial sums along an axis become the sum, everywhere
};

/// A collective along one mesh axis, on every line of the mesh at once.
struct CollectiveStep {
  CollectiveKind kind;
  int axis;
  int64_t bytes; ///< that a device has before, but for AllGather: after
};

/// Seconds of a step.
using CollectiveSeconds = std::function<double(const CollectiveStep &)>;

/// The steps from one layout of a tensor to another: slices first and gathers last, so that what moves is small.
std::vector<CollectiveStep> reshard(const TensorShape &shape, const Mesh &mesh, const Layout &from, const Layout &to);

/// Seconds of `steps`, one after the other.
double secondsOf(const std::vector<CollectiveStep> &steps, const CollectiveSeconds &seconds);

/// Rings, for meshes of which nothing better is known: per axis a latency for each of the n - 1 rounds, and a
/// bandwidth. Gather, scatter and exchange move (n - 1) / n of the bytes, a reduction twice that. Slices are free.
struct RingLink {
  double latency = 0;   ///< seconds of a round
  double bandwidth = 1; ///< bytes per second of a device
};
CollectiveSeconds ringSeconds(Mesh mesh, std::vector<RingLink> links);

} // namespace tenon::partition

#endif // TENON_PARTITION_LAYOUT_H
