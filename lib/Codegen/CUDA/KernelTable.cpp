//===- KernelTable.cpp - The kernels of many regions, each once -----------===//
#include "tenon/Codegen/CUDA/KernelTable.h"

#include "tenon/Codegen/Common/Region.h"

using namespace mlir;

namespace tenon::codegen::cuda {

FailureOr<KernelInfo> KernelTable::add(graph::DispatchOp dispatch) {
  FailureOr<CudaKernel> kernel = emitKernel(dispatch, "kernel", target);
  if (failed(kernel))
    return failure();
  auto [it, isNew] = numbers.try_emplace(kernel->source, kernels.size());
  if (isNew) {
    FailureOr<CudaKernel> named = emitKernel(dispatch, makeKernelName(dispatch, kernels.size()), target);
    if (failed(named))
      return failure();
    kernels.push_back(std::move(*named));
  }
  KernelInfo info = std::move(kernel->info);
  info.name = kernels[it->second].info.name;
  return info;
}

} // namespace tenon::codegen::cuda
