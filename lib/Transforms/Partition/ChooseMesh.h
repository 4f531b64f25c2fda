//===- ChooseMesh.h - Devices as a mesh, and what moving between them costs -===//
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CHOOSEMESH_H
#define TENON_LIB_TRANSFORMS_PARTITION_CHOOSEMESH_H

#include "tenon/Partition/Layout.h"
#include "tenon/Transforms/PartitionOptions.h"

namespace tenon::choice {

/// The devices that the first `count` of a cluster have in common: the slowest figures of each.
cost::Device commonDevice(const cost::Cluster &cluster, int64_t count);

/// Seconds of collectives along the axes of the mesh of one stage. Ranks fill one node after the other.
partition::CollectiveSeconds clusterSeconds(const cost::Cluster &cluster, const partition::Mesh &mesh);

/// From a device to the same one of the next stage.
cost::Link stageLink(const cost::Cluster &cluster, int64_t devicesOfStage, int stages);

/// The forms that `devices` devices allow, some of them idle: those of fewer stages first. None of more than `stages`.
std::vector<Parallel> candidates(int64_t devices, int stages);

} // namespace tenon::choice

#endif // TENON_LIB_TRANSFORMS_PARTITION_CHOOSEMESH_H
