//===- CpuKernelSet.cpp - Kernels for processors --------------------------===//
#include "KernelSet.h"

#include "mlir/IR/Threading.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/Common/Region.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::codegen;

namespace {

class CpuKernelSet final : public KernelSet {
public:
  CpuKernelSet(MLIRContext &context, ArrayRef<CpuTarget> targets) : context(context), targets(targets) {
    kernels.resize(targets.size());
  }

  FailureOr<LoweredDispatches> lower(graph::DispatchOp dispatch) override;
  FailureOr<std::vector<PlanCode>> compile(int jobs, llvm::function_ref<void(double)> progress) override;

private:
  FailureOr<KernelInfo> emit(graph::DispatchOp dispatch, StringRef name, size_t target, OwningOpRef<ModuleOp> &module);

  MLIRContext &context;
  SmallVector<CpuTarget> targets;
  std::vector<std::vector<OwningOpRef<ModuleOp>>> kernels; ///< [target][kernel]
  llvm::StringMap<std::string> names;                      ///< text of a kernel -> its name
};

} // namespace

FailureOr<KernelInfo> CpuKernelSet::emit(graph::DispatchOp dispatch, StringRef name, size_t target,
                                         OwningOpRef<ModuleOp> &module) {
  module = ModuleOp::create(dispatch.getLoc());
  return emitKernel(dispatch, name, targets[target], *module);
}

FailureOr<LoweredDispatches> CpuKernelSet::lower(graph::DispatchOp dispatch) {
  OwningOpRef<ModuleOp> module;
  auto info = emit(dispatch, "kernel", 0, module);
  if (failed(info))
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  auto [it, isNew] = names.try_emplace(text, "");
  if (isNew) {
    it->second = makeKernelName(dispatch, kernels.front().size());
    SymbolTable::lookupSymbolIn(*module, "kernel")
        ->setAttr(SymbolTable::getSymbolAttrName(), StringAttr::get(&context, it->second));
    kernels.front().push_back(std::move(module));
    for (size_t target = 1; target < targets.size(); ++target) {
      OwningOpRef<ModuleOp> other;
      auto otherInfo = emit(dispatch, it->second, target, other);
      if (failed(otherInfo))
        return failure();
      assert(otherInfo->grid == info->grid && otherInfo->params == info->params &&
             "one launch must serve the kernels of every target");
      kernels[target].push_back(std::move(other));
    }
  }
  return LoweredDispatches{{it->second, info->params, info->grid, info->scratchBytes}};
}

FailureOr<std::vector<PlanCode>> CpuKernelSet::compile(int jobs, llvm::function_ref<void(double)> progress) {
  std::vector<PlanCode> code;
  for (size_t target = 0; target < targets.size(); ++target) {
    SmallVector<ModuleOp> modules;
    for (auto &module : kernels[target])
      modules.push_back(*module);
    if (failed(failableParallelForEach(&context, modules, lowerKernels)))
      return failure();
    progress((target + 0.3) / targets.size());
    auto object = compileKernels(modules, targets[target], jobs);
    if (failed(object))
      return failure();
    code.push_back({targets[target].arch, std::move(*object)});
    progress((target + 1.0) / targets.size());
  }
  return code;
}

std::unique_ptr<KernelSet> tenon::createCpuKernelSet(MLIRContext &context, ArrayRef<std::string> archs) {
  SmallVector<CpuTarget> targets;
  for (const std::string &arch : archs) {
    auto target = CpuTarget::get(arch);
    if (!target) {
      emitError(UnknownLoc::get(&context))
          << "TN5010: unknown architecture '" << arch << "'; use x86-64-v4 or x86-64-v3";
      return nullptr;
    }
    targets.push_back(*target);
  }
  return std::make_unique<CpuKernelSet>(context, targets);
}
