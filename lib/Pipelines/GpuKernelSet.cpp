//===- GpuKernelSet.cpp - Kernels in CUDA C++ -----------------------------===//
//
// One text serves all architectures. For target cuda it is compiled for each of them; for the virtual GPU once, for the
// host.
//
//===----------------------------------------------------------------------===//
#include "KernelSet.h"
#include "tenon/Codegen/CUDA/Compile.h"
#include "tenon/Plan/ImageArchive.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace tenon;
using codegen::cuda::CudaImage;
using codegen::cuda::CudaKernel;

namespace {

class GpuKernelSet final : public KernelSet {
public:
  GpuKernelSet(MLIRContext &context, bool isVirtual, ArrayRef<std::string> archs)
      : context(context), isVirtual(isVirtual), archs(archs.begin(), archs.end()) {}

  FailureOr<LoweredDispatch> lower(graph::DispatchOp dispatch) override;
  FailureOr<std::vector<PlanCode>> compile(int jobs, llvm::function_ref<void(double)> progress) override;

private:
  MLIRContext &context;
  bool isVirtual;
  std::vector<std::string> archs;
  std::vector<CudaKernel> kernels;
  llvm::StringMap<size_t> known; ///< text of a kernel -> its number
};

} // namespace

FailureOr<LoweredDispatch> GpuKernelSet::lower(graph::DispatchOp dispatch) {
  auto kernel = codegen::cuda::emitKernel(dispatch, "kernel", {});
  if (failed(kernel))
    return failure();
  auto [it, isNew] = known.try_emplace(kernel->source, kernels.size());
  if (isNew) {
    auto named = codegen::cuda::emitKernel(dispatch, codegen::cuda::makeKernelName(dispatch, kernels.size()), {});
    if (failed(named))
      return failure();
    kernels.push_back(std::move(*named));
  }
  const codegen::cuda::KernelInfo &info = kernel->info;
  LoweredDispatch lowered{kernels[it->second].info.name, info.params, info.blocks, info.sharedBytes};
  lowered.threads = info.threads;
  return lowered;
}

FailureOr<std::vector<PlanCode>> GpuKernelSet::compile(int jobs, llvm::function_ref<void(double)> progress) {
  codegen::cuda::CompileOptions options;
  options.archs = isVirtual ? std::vector<std::string>{"host"} : archs;
  options.jobs = jobs;
  auto images = codegen::cuda::compileCuda(context, kernels, options);
  if (failed(images))
    return failure();
  progress(1);
  std::vector<PlanCode> code;
  for (const std::string &arch : archs) {
    std::vector<std::vector<char>> parts;
    for (const CudaImage &image : *images)
      if (isVirtual || image.arch == arch)
        parts.push_back(image.bytes);
    code.push_back({arch, plan::packImages(parts)});
  }
  return code;
}

std::unique_ptr<KernelSet> tenon::createGpuKernelSet(MLIRContext &context, const Target &target,
                                                     ArrayRef<std::string> archs) {
  for (const std::string &arch : archs)
    if (!llvm::is_contained(target.archs, arch)) {
      emitError(UnknownLoc::get(&context)) << "TN5010: unknown architecture '" << arch << "' of target " << target.name
                                           << "; use " << llvm::join(target.archs, ", ");
      return nullptr;
    }
  return std::make_unique<GpuKernelSet>(context, target.name == "vgpu", archs);
}
