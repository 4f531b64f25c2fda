//===- GpuKernelSet.cpp - Kernels in CUDA C++ -----------------------------===//
//
// A region has one text for all architectures where it can, else one for each group of them (KernelTable). For target
// cuda each is compiled for its architectures, for the virtual GPU by a compiler for the host.
//
//===----------------------------------------------------------------------===//
#include "KernelSet.h"
#include "Plan/IR/PlanOps.h"
#include "tenon/Codegen/CUDA/Compile.h"
#include "tenon/Codegen/CUDA/KernelTable.h"
#include "tenon/Plan/ImageArchive.h"

using namespace mlir;
using namespace tenon;
using codegen::cuda::CudaImage;

namespace {

class GpuKernelSet final : public KernelSet {
public:
  GpuKernelSet(MLIRContext &context, bool isVirtual, ArrayRef<std::string> archs,
               const codegen::cuda::CudaTarget &common)
      : context(context), isVirtual(isVirtual), archs(archs.begin(), archs.end()), kernels(archs, common) {}

  FailureOr<LoweredDispatches> lower(graph::DispatchOp dispatch) override;
  FailureOr<std::vector<PlanCode>> compile(int jobs, llvm::function_ref<void(double)> progress) override;
  std::vector<cost::KernelNote> takeNotes(std::string *source) override;

private:
  Attribute toAttribute(const codegen::cuda::LibraryCall &call) const;
  LoweredDispatch toLowered(const codegen::cuda::KernelTable::Entry &entry) const;
  void keepNeeds(const CudaImage &image);

  MLIRContext &context;
  bool isVirtual;
  std::vector<std::string> archs;
  codegen::cuda::KernelTable kernels;
  llvm::StringMap<std::vector<cost::ArchNeeds>> needs; ///< by kernel
};

} // namespace

Attribute GpuKernelSet::toAttribute(const codegen::cuda::LibraryCall &call) const {
  using codegen::cuda::LibraryCall;
  StringRef activation = call.activation == LibraryCall::Relu   ? "relu"
                         : call.activation == LibraryCall::Gelu ? "gelu"
                                                                : "none";
  return plan_ir::LibraryCallAttr::get(&context, StringAttr::get(&context, call.name()), call.element, call.tf32,
                                       call.x, call.w, call.bias, call.residual, call.result,
                                       StringAttr::get(&context, activation), call.transposed,
                                       DenseI64ArrayAttr::get(&context, call.window), call.workspace);
}

LoweredDispatch GpuKernelSet::toLowered(const codegen::cuda::KernelTable::Entry &entry) const {
  const codegen::cuda::KernelInfo &info = entry.info;
  LoweredDispatch lowered{info.name, info.params, info.blocks, info.sharedBytes};
  lowered.threads = info.threads;
  for (const codegen::cuda::KernelTensorMap &map : info.maps)
    lowered.maps.push_back(plan_ir::TensorMapAttr::get(
        &context, map.buffer, map.element, graph::ShapeAttr::get(&context, map.extents),
        graph::ShapeAttr::get(&context, map.strides), DenseI64ArrayAttr::get(&context, map.box), map.swizzle));
  if (info.call)
    lowered.call = toAttribute(*info.call);
  for (auto [i, arch] : llvm::enumerate(archs))
    if (llvm::is_contained(entry.archs, arch))
      lowered.codes.push_back(i);
  return lowered;
}

/// Operand i of the region, a constant, is to be packed as `format`.
static void setFormat(graph::DispatchOp dispatch, unsigned i, StringRef format) {
  SmallVector<Attribute> formats(dispatch.getFormatsAttr().begin(), dispatch.getFormatsAttr().end());
  formats[i] = StringAttr::get(dispatch.getContext(), format);
  dispatch.setFormatsAttr(ArrayAttr::get(dispatch.getContext(), formats));
}

FailureOr<LoweredDispatches> GpuKernelSet::lower(graph::DispatchOp dispatch) {
  auto entries = kernels.add(dispatch);
  if (failed(entries))
    return failure();
  LoweredDispatches lowered;
  for (const auto &entry : *entries)
    lowered.push_back(toLowered(entry));
  if (const auto &call = entries->front().info.call; call && call->isConv())
    setFormat(dispatch, unsigned(call->w), "ohwi");
  return lowered;
}

FailureOr<std::vector<PlanCode>> GpuKernelSet::compile(int jobs, llvm::function_ref<void(double)> progress) {
  codegen::cuda::CompileOptions options;
  options.archs = archs;
  options.isVirtual = isVirtual;
  options.jobs = jobs;
  std::vector<codegen::cuda::CudaKernel> own; // what libraries compute has no code
  llvm::copy_if(kernels.getKernels(), std::back_inserter(own),
                [](const codegen::cuda::CudaKernel &kernel) { return !kernel.info.call; });
  FailureOr<std::vector<CudaImage>> images = std::vector<CudaImage>();
  if (!own.empty())
    images = codegen::cuda::compileCuda(context, own, options);
  if (failed(images))
    return failure();
  progress(1);
  for (const CudaImage &image : *images)
    keepNeeds(image);
  std::vector<PlanCode> code;
  for (const std::string &arch : archs) {
    std::vector<std::vector<char>> parts;
    for (const CudaImage &image : *images)
      if (image.arch == arch)
        parts.push_back(image.bytes);
    code.push_back({arch, plan::packImages(parts)});
  }
  return code;
}

/// Nothing is known of PTX, nor of what a host compiler makes.
void GpuKernelSet::keepNeeds(const CudaImage &image) {
  for (auto [name, r] : llvm::zip_equal(image.kernels, image.resources))
    if (r.registers > 0)
      needs[name].push_back({image.arch, r.registers, r.spillBytes, r.stackBytes, r.sharedBytes});
}

std::vector<cost::KernelNote> GpuKernelSet::takeNotes(std::string *source) {
  std::vector<cost::KernelNote> notes;
  for (const codegen::cuda::CudaKernel &kernel : kernels.getKernels()) {
    notes.push_back(makeNote(kernel.info.name, kernel.info.tactic, kernel.text(), source));
    notes.back().needs = needs.lookup(kernel.info.name);
    notes.back().size = kernel.info.size;
  }
  return notes;
}

std::unique_ptr<KernelSet> tenon::createGpuKernelSet(MLIRContext &context, const Target &target,
                                                     ArrayRef<std::string> archs, const cost::Context &cost,
                                                     const cost::Tuning &tuning, Precision precision) {
  for (const std::string &arch : archs)
    if (!llvm::is_contained(target.archs, arch)) {
      emitError(UnknownLoc::get(&context)) << "TN5010: unknown architecture '" << arch << "' of target " << target.name
                                           << "; use " << llvm::join(target.archs, ", ");
      return nullptr;
    }
  codegen::cuda::CudaTarget common;
  common.cost = &cost;
  common.tuning = &tuning;
  common.allowTf32 = precision == Precision::Tf32;
  return std::make_unique<GpuKernelSet>(context, target.name == "vgpu", archs, common);
}
