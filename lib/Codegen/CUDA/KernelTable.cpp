//===- KernelTable.cpp - The kernels of many regions, each once -----------===//
#include "tenon/Codegen/CUDA/KernelTable.h"

#include "tenon/Codegen/Common/Region.h"

using namespace mlir;

namespace tenon::codegen::cuda {

CudaTarget CudaTarget::forArch(StringRef arch) {
  CudaTarget target;
  target.hasTensorMaps = arch == "sm_90a" || arch == "compute_90a";
  return target;
}

KernelTable::KernelTable(ArrayRef<std::string> archs, const CudaTarget &common) {
  for (const std::string &arch : archs) {
    CudaTarget target = common;
    target.hasTensorMaps = CudaTarget::forArch(arch).hasTensorMaps;
    auto *known =
        llvm::find_if(groups, [&](const Group &group) { return group.target.hasTensorMaps == target.hasTensorMaps; });
    if (known == groups.end())
      known = &groups.emplace_back(Group{target, {}});
    known->archs.push_back(arch);
  }
  if (groups.empty())
    groups.emplace_back(Group{common, {}});
}

FailureOr<SmallVector<KernelTable::Entry, 1>> KernelTable::add(graph::DispatchOp dispatch) {
  SmallVector<CudaKernel, 2> emitted;
  for (const Group &group : groups) {
    FailureOr<CudaKernel> kernel = emitKernel(dispatch, "kernel", group.target);
    if (failed(kernel))
      return failure();
    emitted.push_back(std::move(*kernel));
  }
  bool isForAll = llvm::all_of(emitted, [&](const CudaKernel &one) { return one.source == emitted[0].source; });
  SmallVector<Entry, 1> entries;
  for (auto [group, kernel] : llvm::zip_equal(groups, emitted)) {
    FailureOr<Entry> entry = add(dispatch, std::move(kernel), group, isForAll);
    if (failed(entry))
      return failure();
    entries.push_back(std::move(*entry));
    if (isForAll)
      break;
  }
  return entries;
}

FailureOr<KernelTable::Entry> KernelTable::add(graph::DispatchOp dispatch, CudaKernel kernel, const Group &group,
                                               bool isForAll) {
  Entry entry{std::move(kernel.info), {}};
  if (!isForAll)
    entry.archs = group.archs;
  std::string key = llvm::join(entry.archs, ",") + "\n" + kernel.source;
  auto [it, isNew] = numbers.try_emplace(key, kernels.size());
  if (isNew) {
    FailureOr<CudaKernel> named = emitKernel(dispatch, makeKernelName(dispatch, kernels.size()), group.target);
    if (failed(named))
      return failure();
    named->archs = entry.archs;
    kernels.push_back(std::move(*named));
  }
  entry.info.name = kernels[it->second].info.name;
  return entry;
}

} // namespace tenon::codegen::cuda
