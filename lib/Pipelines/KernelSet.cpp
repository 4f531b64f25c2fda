//===- KernelSet.cpp - The kernels of one compilation ---------------------===//
#include "KernelSet.h"

#include "mlir/IR/Threading.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::codegen;

KernelSet::KernelSet(MLIRContext &context, ArrayRef<CpuTarget> targets) : context(context), targets(targets) {
  kernels.resize(targets.size());
}

/// "k12_conv_add_relu": the number makes it unique, the ops tell a person what it is.
static std::string makeName(graph::DispatchOp dispatch, size_t number) {
  std::string name = "k" + std::to_string(number);
  int parts = 0;
  for (Operation &op : dispatch.getBody().front().without_terminator())
    if (!isa<graph::ConstantOp>(op) && parts++ < 3)
      name += "_" + op.getName().stripDialect().str();
  return name;
}

FailureOr<KernelInfo> KernelSet::emit(graph::DispatchOp dispatch, StringRef name, size_t target,
                                      OwningOpRef<ModuleOp> &module) {
  module = ModuleOp::create(dispatch.getLoc());
  return emitKernel(dispatch, name, targets[target], *module);
}

FailureOr<LoweredDispatch> KernelSet::lower(graph::DispatchOp dispatch) {
  OwningOpRef<ModuleOp> module;
  auto info = emit(dispatch, "kernel", 0, module);
  if (failed(info))
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  auto [it, isNew] = names.try_emplace(text, "");
  if (isNew) {
    it->second = makeName(dispatch, kernels.front().size());
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
  return LoweredDispatch{it->second, info->params, info->grid, info->scratchBytes};
}

FailureOr<std::vector<PlanCode>> KernelSet::compile(int jobs, llvm::function_ref<void(double)> progress) {
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
