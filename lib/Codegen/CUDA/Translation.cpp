//===- Translation.cpp - tenon-translate --graph-to-cuda ------------------===//
#include "mlir/Tools/mlir-translate/Translation.h"
#include "Describe.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Codegen/CUDA/Compile.h"
#include "tenon/Codegen/CUDA/KernelTable.h"
#include "tenon/Codegen/Common/Region.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace tenon::codegen::cuda {

static LogicalResult translate(Operation *root, raw_ostream &os, bool isText) {
  size_t number = 0;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(root->getContext()));
  llvm::StringSet<> printed = {"tenon/cuda/kernel.cuh"};
  if (isText)
    os << "#include \"tenon/cuda/kernel.cuh\"\n\nusing namespace tenon::device;\n";
  WalkResult walked = root->walk([&](graph::DispatchOp dispatch) -> WalkResult {
    std::string name = makeKernelName(dispatch, number++);
    if (!isText)
      return WalkResult(emitKernelIR(dispatch, name, {}, *module));
    FailureOr<CudaKernel> kernel = emitKernel(dispatch, name, {});
    if (failed(kernel))
      return WalkResult::interrupt();
    os << "\n";
    for (const std::string &include : kernel->includes)
      if (printed.insert(include).second)
        os << "#include \"" << include << "\"\n";
    os << kernel->comment;
    os << "// launch: " << kernel->info.threads << " threads, blocks ";
    os << toText(kernel->info.blocks) << ", shared bytes " << toText(kernel->info.sharedBytes);
    os << "\n" << kernel->source;
    return WalkResult::advance();
  });
  if (!isText)
    os << *module << "\n";
  return failure(walked.wasInterrupted());
}

/// Compiles every region for every architecture that is tested, and prints what the worst kernels need.
static LogicalResult checkResources(Operation *root, raw_ostream &os) {
  CompilerInfo compiler = findCudaCompiler();
  if (!compiler.isFound) {
    os << "skipped: no CUDA compiler\n";
    return success();
  }
  CompileOptions options;
  options.archs = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a"};
  KernelTable table(options.archs);
  WalkResult walked =
      root->walk([&](graph::DispatchOp dispatch) -> WalkResult { return LogicalResult(table.add(dispatch)); });
  if (walked.wasInterrupted())
    return failure();
  FailureOr<std::vector<CudaImage>> images = compileCuda(*root->getContext(), table.getKernels(), options);
  if (failed(images))
    return failure();
  // A template keeps a tile in registers, by design; a generated kernel that needs as many lost sight of something.
  llvm::StringSet<> templates;
  for (const CudaKernel &kernel : table.getKernels())
    if (kernel.isTemplate)
      templates.insert(kernel.info.name);
  int spills = 0, serialized = 0;
  std::pair<int, std::string> most[2]; // of generated kernels, of templates
  for (const CudaImage &image : *images)
    for (auto [name, needs] : llvm::zip_equal(image.kernels, image.resources)) {
      auto &worst = most[templates.contains(name)];
      worst = std::max(worst, {needs.registers, name + " on " + image.arch});
      spills += needs.spillBytes;
      serialized += needs.serialized;
      if (needs.spillBytes || needs.serialized || needs.registers == 0)
        os << name << " on " << image.arch << ": " << needs.registers << " registers, " << needs.spillBytes
           << " spill bytes, " << needs.serialized << " waits for wgmma\n";
    }
  os << table.getKernels().size() << " kernels, " << options.archs.size() << " architectures, " << spills
     << " spill bytes, " << serialized << " waits for wgmma\n";
  for (bool isTemplate : {false, true})
    if (const auto &worst = most[isTemplate]; worst.first)
      os << (isTemplate ? "templates" : "generated") << ": at most " << worst.first << " registers (" << worst.second
         << ")\n";
  return success();
}

void registerGraphToCudaTranslation() {
  auto dialects = [](DialectRegistry &registry) { registry.insert<graph::GraphDialect, func::FuncDialect>(); };
  static TranslateFromMLIRRegistration text(
      "graph-to-cuda", "print the CUDA C++ of every dispatch region",
      [](Operation *op, raw_ostream &os) { return translate(op, os, /*isText=*/true); }, dialects);
  static TranslateFromMLIRRegistration resources("graph-to-cuda-resources",
                                                 "compile every dispatch region and print what the kernels need",
                                                 checkResources, dialects);
  static TranslateFromMLIRRegistration ir(
      "graph-to-cuda-ir", "print the kernel IR of every dispatch region",
      [](Operation *op, raw_ostream &os) { return translate(op, os, /*isText=*/false); }, dialects);
}

} // namespace tenon::codegen::cuda
