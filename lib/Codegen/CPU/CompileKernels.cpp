//===- CompileKernels.cpp - The LLVM dialect to machine code --------------===//
//
// Each module is translated in order into an LLVMContext of its own; contexts are then optimised and compiled by
// threads. The objects are linked in the order of the modules, so the result does not depend on the threads.
//
//===----------------------------------------------------------------------===//
#include "LinkKernels.h"
#include "tenon/Codegen/CPU/Codegen.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr const char *triple = "x86_64-unknown-linux-gnu";

/// One module on its way: translated, then compiled.
struct Unit {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  SmallVector<char, 0> object;
  std::string error;
};

std::unique_ptr<llvm::TargetMachine> createMachine(const CpuTarget &target, std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  const llvm::Triple parsed(triple);
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(parsed, error);
  if (!backend)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      parsed, target.arch, "", options, llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
}

void setAttributes(llvm::Module &module, const CpuTarget &target) {
  const bool isWide = target.arch == "x86-64-v4";
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("target-cpu", target.arch);
    // Without these LLVM avoids 512-bit registers, as was wise on the first processors that had them.
    function.addFnAttr("prefer-vector-width", isWide ? "512" : "256");
    function.addFnAttr("min-legal-vector-width", isWide ? "512" : "256");
  }
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.SLPVectorization = false; // kernels are vector code already; SLP only rearranges their address arithmetic
  tuning.LoopVectorization = true;
  // Strategies unroll what pays. LLVM's unrolling makes compilation three times as long and kernels no faster.
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

void compileUnit(Unit &unit, const CpuTarget &target) {
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, unit.error);
  if (!machine)
    return;
  unit.module->setTargetTriple(machine->getTargetTriple());
  unit.module->setDataLayout(machine->createDataLayout());
  setAttributes(*unit.module, target);
  optimize(*unit.module, *machine);
  llvm::raw_svector_ostream stream(unit.object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile)) {
    unit.error = "the target cannot write object files";
    return;
  }
  passes.run(*unit.module);
  unit.module.reset();
  unit.context.reset();
}

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
      compileUnit(units[i], target);
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
