//===- ChooseMesh.h - Devices as a mesh, and what moving between them costs -===//
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CHOOSEMESH_H
#define TENON_LIB_TRANSFORMS_PARTITION_CHOOSEMESH_H

#include "tenon/Partition/Layout.h"
#include "tenon/Transforms/PartitionOptions.h"

namespace tenon::choice {

/// Of the first `count` ranks, which fill one node after the other: the group of nodes of each.
std::vector<size_t> groupsOf(const cost::Cluster &cluster, int64_t count);

/// How much of what an axis splits each of its devices takes, where the same work takes `seconds` on devices of a
/// group: whole numbers in inverse proportion, for each axis. Empty for an axis along which all are alike, and behind
/// the first along which they are not.
std::vector<std::vector<int64_t>> sharesOf(const std::vector<size_t> &groups, const std::vector<double> &seconds,
                                           const partition::Mesh &mesh);

/// Seconds of collectives along the axes of the mesh of one stage. Ranks fill one node after the other.
partition::CollectiveSeconds clusterSeconds(const cost::Cluster &cluster, const partition::Mesh &mesh);

/// From a device to the same one of the next stage.
cost::Link stageLink(const cost::Cluster &cluster, int64_t devicesOfStage, int stages);

/// The forms that `devices` devices allow, some of them idle: those of fewer stages first. None of more than `stages`.
std::vector<Parallel> candidates(int64_t devices, int stages);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSEMESH_H
