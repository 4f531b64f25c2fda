//===- MachineCode.cpp - LLVM IR to an object file ------------------------===//
#include "MachineCode.h"

#include "llvm-c/Transforms/PassBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr const char *triple = "x86_64-unknown-linux-gnu";

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
  // A product and a sum of two ops are rounded twice wherever they are computed: in one kernel or two, on one device or
  // several. Kernels say math.fma or vector.fma where they want one.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(parsed, target.cpu, target.features, options,
                                                                           llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                                           llvm::CodeGenOptLevel::Aggressive));
}

void setAttributes(llvm::Module &module, const CpuTarget &target) {
  const std::string bits = std::to_string(target.vectorBits);
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    // Without these LLVM avoids 512-bit registers, as was wise on the first processors that had them.
    function.addFnAttr("prefer-vector-width", bits);
    function.addFnAttr("min-legal-vector-width", bits);
  }
}

/// By LLVM's C interface: the headers of the pass builder bring every pass.
llvm::Error optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  // Kernels are vector code already; SLP only rearranges their address arithmetic.
  LLVMPassBuilderOptionsSetSLPVectorization(options, false);
  LLVMPassBuilderOptionsSetLoopVectorization(options, true);
  // Strategies unroll what pays. LLVM's unrolling makes compilation three times as long and kernels no faster.
  LLVMPassBuilderOptionsSetLoopUnrolling(options, false);
  LLVMErrorRef error =
      LLVMRunPasses(llvm::wrap(&module), "default<O2>", reinterpret_cast<LLVMTargetMachineRef>(&machine), options);
  LLVMDisposePassBuilderOptions(options);
  return llvm::unwrap(error);
}

} // namespace

llvm::Error compileToObject(std::unique_ptr<llvm::Module> module, const CpuTarget &target,
                            SmallVectorImpl<char> &object) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  if (!machine)
    return llvm::createStringError(error);
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  setAttributes(*module, target);
  if (llvm::Error failure = optimize(*module, *machine))
    return failure;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("the target cannot write object files");
  passes.run(*module);
  return llvm::Error::success();
}

} // namespace tenon::codegen
