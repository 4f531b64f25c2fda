//===- Translation.cpp - tenon-translate --graph-to-cuda ------------------===//
#include "mlir/Tools/mlir-translate/Translation.h"
#include "Describe.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Codegen/CUDA/Codegen.h"

using namespace mlir;

namespace tenon::codegen::cuda {

static LogicalResult translate(Operation *root, raw_ostream &os, bool isText) {
  size_t number = 0;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(root->getContext()));
  if (isText)
    os << "#include \"tenon/cuda/kernel.cuh\"\n\nusing namespace tenon::device;\n";
  WalkResult walked = root->walk([&](graph::DispatchOp dispatch) -> WalkResult {
    std::string name = makeKernelName(dispatch, number++);
    if (!isText)
      return WalkResult(emitKernelIR(dispatch, name, {}, *module));
    FailureOr<CudaKernel> kernel = emitKernel(dispatch, name, {});
    if (failed(kernel))
      return WalkResult::interrupt();
    os << "\n" << kernel->comment;
    os << "// launch: " << kernel->info.threads << " threads, blocks ";
    os << toText(kernel->info.blocks) << ", shared bytes " << toText(kernel->info.sharedBytes);
    os << "\n" << kernel->source;
    return WalkResult::advance();
  });
  if (!isText)
    os << *module << "\n";
  return failure(walked.wasInterrupted());
}

void registerGraphToCudaTranslation() {
  auto dialects = [](DialectRegistry &registry) { registry.insert<graph::GraphDialect, func::FuncDialect>(); };
  static TranslateFromMLIRRegistration text(
      "graph-to-cuda", "print the CUDA C++ of every dispatch region",
      [](Operation *op, raw_ostream &os) { return translate(op, os, /*isText=*/true); }, dialects);
  static TranslateFromMLIRRegistration ir(
      "graph-to-cuda-ir", "print the kernel IR of every dispatch region",
      [](Operation *op, raw_ostream &os) { return translate(op, os, /*isText=*/false); }, dialects);
}

} // namespace tenon::codegen::cuda
