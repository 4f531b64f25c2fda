//===- CompileTimeBench.cpp - How long NVRTC takes for our kernels --------===//
//
// cuda-compile-bench IR.mlir...: the kernels of all dispatch regions of the files, each distinct one once, at most 100
// of them without wgmma, for sm_90a on 2 threads; then one instance of the wgmma template; then both from the cache.
// Prints JSON: seconds of the clock and of the processor. test/Bench/cuda_compile_time.py makes the files and holds the
// results against the bars.
//
//===----------------------------------------------------------------------===//
#include "Graph/IR/GraphDialect.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Codegen/CUDA/Compile.h"
#include "tenon/Codegen/CUDA/KernelTable.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <ctime>

using namespace mlir;
using namespace tenon::codegen::cuda;

namespace {

constexpr size_t wanted = 100;

/// One kernel of the template, with the epilogue of a bias.
CudaKernel wgmmaKernel() {
  CudaKernel kernel;
  kernel.info.name = "wgmma";
  kernel.includes = {"tenon/cuda/gemm_wgmma.cuh"};
  kernel.source = R"(
struct Bias {
  const float *bias;
  TENON_DEVICE float operator()(float value, int64_t, int, int column) const { return value + bias[column]; }
};
using Tile = GemmWgmma<half, 128, 4, true>;
extern "C" __global__ void __launch_bounds__(Tile::threads, Tile::minBlocks)
    wgmma(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, const float *bias, half *c,
          int64_t m, int64_t n, int64_t k) {
  Tile::run({int(m), int(n), int(k), 1}, &a, &b, false, false, storeTo(c, n, m * n, Bias{bias}));
}
TENON_KERNEL(wgmma);
)";
  return kernel;
}

/// Compiles and prints one row; false on failure.
bool measure(MLIRContext &context, const char *what, ArrayRef<CudaKernel> kernels, StringRef cache) {
  CompileOptions options;
  options.archs = {"sm_90a"};
  options.jobs = 2;
  options.cache = cache.str();
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t processor = std::clock();
  auto images = compileCuda(context, kernels, options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (failed(images))
    return false;
  llvm::outs() << llvm::formatv(
      "{{\"what\": \"{0}\", \"kernels\": {1}, \"seconds\": {2:F3}, \"cpu_seconds\": {3:F3}}\n", what, kernels.size(),
      seconds.count(), double(std::clock() - processor) / CLOCKS_PER_SEC);
  return true;
}

bool readKernels(MLIRContext &context, ArrayRef<const char *> files, KernelTable &table) {
  for (const char *file : files) {
    auto module = parseSourceFile<ModuleOp>(file, ParserConfig(&context));
    if (!module)
      return false;
    WalkResult walked = module->walk([&](tenon::graph::DispatchOp dispatch) {
      return table.getKernels().size() >= wanted ? WalkResult::skip() : WalkResult(LogicalResult(table.add(dispatch)));
    });
    if (walked.wasInterrupted())
      return false;
  }
  return true;
}

} // namespace

int main(int argc, char **argv) {
  DialectRegistry dialects;
  dialects.insert<tenon::graph::GraphDialect, func::FuncDialect>();
  MLIRContext context(dialects);
  context.loadAllAvailableDialects();
  CompilerInfo compiler = findCudaCompiler();
  if (!compiler.isFound) {
    llvm::errs() << "skipped: " << compiler.description << "\n";
    return 3;
  }
  KernelTable table;
  llvm::SmallString<128> cache;
  if (!readKernels(context, ArrayRef(argv + 1, size_t(argc - 1)), table) ||
      llvm::sys::fs::createUniqueDirectory("tenon-compile-bench", cache))
    return 1;
  const CudaKernel wgmma = wgmmaKernel();
  // The first program also loads NVRTC and its built-in headers.
  bool ok = measure(context, "first program", table.getKernels().take_front(1), "-") &&
            measure(context, "kernels", table.getKernels(), cache) && measure(context, "wgmma", wgmma, cache) &&
            measure(context, "cached kernels", table.getKernels(), cache) &&
            measure(context, "cached wgmma", wgmma, cache);
  llvm::sys::fs::remove_directories(cache);
  return ok ? 0 : 1;
}
