//===- DescribeCluster.h - tenon doctor --cluster -------------------------===//
//
// The machine as a cluster description (tenon/Cost/Cluster.h): its GPUs, or where it has none its cores.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_TENON_DESCRIBECLUSTER_H
#define TENON_TOOLS_TENON_DESCRIBECLUSTER_H

#include "tenon/Plan/Status.h"
#include "llvm/Support/JSON.h"

namespace tenon::tools {

/// Asks the CUDA driver, and measures copies in memory where there is no GPU (0.1 s). TN9031 for a GPU without a
/// description.
Expected<llvm::json::Object> describeCluster();

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_DESCRIBECLUSTER_H
