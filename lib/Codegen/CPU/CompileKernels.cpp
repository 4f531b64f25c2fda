//===- CompileKernels.cpp - The LLVM dialect to machine code --------------===//
//
// Each module is translated in order into an LLVMContext of its own; contexts are then optimised and compiled by
// threads. The objects are linked in the order of the modules, so the result does not depend on the threads.
//
//===----------------------------------------------------------------------===//
#include "LinkKernels.h"
#include "MachineCode.h"
#include "tenon/Codegen/CPU/Codegen.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Module.h"
#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;

namespace tenon::codegen {
namespace {

/// One module on its way: translated, then compiled.
struct Unit {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module; ///< freed once it is compiled
  SmallVector<char, 0> object;
  std::string error;
};

LogicalResult translate(ArrayRef<ModuleOp> modules, std::vector<Unit> &units) {
  // Dialect registries may only be extended by one thread at a time.
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  for (auto [module, unit] : llvm::zip(modules, units)) {
    registerBuiltinDialectTranslation(*module->getContext());
    registerLLVMDialectTranslation(*module->getContext());
    unit.context = std::make_unique<llvm::LLVMContext>();
    unit.module = translateModuleToLLVMIR(module, *unit.context, "kernels");
    if (!unit.module)
      return emitError(ModuleOp(module).getLoc())
             << "TN5003: a kernel could not be translated to LLVM IR; this is a bug in Tenon, please report it";
  }
  return success();
}

void compileUnits(std::vector<Unit> &units, const CpuTarget &target, int jobs) {
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < units.size();)
      if (llvm::Error error = compileToObject(std::move(units[i].module), target, units[i].object))
        units[i].error = toString(std::move(error));
  };
  std::vector<std::thread> threads;
  const size_t count = std::clamp<size_t>(jobs, 1, std::max<size_t>(units.size(), 1));
  for (size_t i = 1; i < count; ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace

FailureOr<std::vector<char>> compileKernels(ArrayRef<ModuleOp> modules, const CpuTarget &target, int jobs) {
  if (modules.empty())
    return std::vector<char>();
  Location loc = ModuleOp(modules.front()).getLoc();
  auto fail = [&](const Twine &why) {
    return emitError(loc) << "TN5004: kernels for " << target.arch << " could not be compiled: " << why;
  };
  std::vector<Unit> units(modules.size());
  if (failed(translate(modules, units)))
    return failure();
  compileUnits(units, target, jobs);
  std::vector<SmallVector<char, 0>> objects;
  for (Unit &unit : units) {
    if (!unit.error.empty())
      return fail(unit.error);
    objects.push_back(std::move(unit.object));
  }
  llvm::Expected<std::vector<char>> linked = linkKernels(objects);
  if (!linked)
    return fail(toString(linked.takeError()));
  if (llvm::Error error = lintKernels(*linked))
    return fail(toString(std::move(error)));
  return std::move(*linked);
}

} // namespace tenon::codegen
