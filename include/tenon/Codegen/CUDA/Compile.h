//===- Compile.h - From CUDA C++ to cubins and PTX ------------------------===//
//
// NVRTC compiles in process, without a GPU; nvcc is run where there is no NVRTC. Neither is needed to build Tenon.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CODEGEN_CUDA_COMPILE_H
#define TENON_CODEGEN_CUDA_COMPILE_H

#include "tenon/Codegen/CUDA/Codegen.h"
#include <vector>

namespace tenon::codegen::cuda {

struct CompileOptions {
  /// "sm_80", "sm_90a" (machine code), "compute_80" (PTX, which a driver compiles for later GPUs), "host" (a shared
  /// object for the virtual GPU, by a C++ compiler).
  std::vector<std::string> archs = {"sm_80", "sm_90a", "compute_80"};
  bool isVirtual = false;    ///< what would be for `archs` is for the virtual GPU instead, as with "host"
  int jobs = 0;              ///< threads; 0 = as many as cores
  int kernelsPerProgram = 8; ///< compiled together, which is cheaper than one by one
  bool lineInfo = false;     ///< for profilers: twice the size
  std::string cache;         ///< folder of compiled programs; "" = $XDG_CACHE_HOME/tenon/cuda, "-" = none
};

/// What one kernel needs, as ptxas says; nothing is known of PTX.
struct KernelResources {
  int registers = 0;   ///< per thread
  int spillBytes = 0;  ///< stores and loads together: 0 is wanted
  int stackBytes = 0;  ///< local memory per thread
  int sharedBytes = 0; ///< static shared memory per block
  int serialized = 0;  ///< places where ptxas waits for wgmma that should overlap (C75xx): 0 is wanted
};

/// Code of some kernels for one architecture.
struct CudaImage {
  std::string arch;
  std::vector<char> bytes; ///< a cubin, or PTX (text, ends with a zero byte), for cuModuleLoadData
  std::vector<std::string> kernels;
  std::vector<KernelResources> resources; ///< one per kernel
  bool fromCache = false;
};

/// Compiles kernels (of different names) for every architecture: images in the order of archs, then of kernels. The
/// result does not depend on `jobs` or the cache. On failure a diagnostic was emitted: TN5021 no compiler was found,
/// TN5022 the text was refused (with the log), TN5023 an unknown architecture.
mlir::FailureOr<std::vector<CudaImage>> compileCuda(mlir::MLIRContext &context, llvm::ArrayRef<CudaKernel> kernels,
                                                    const CompileOptions &options);

/// The compiler that compileCuda would use ("NVRTC 13.0, /usr/lib/libnvrtc.so.13"), or what was looked for in vain.
struct CompilerInfo {
  bool isFound = false;
  std::string description;
};
CompilerInfo findCudaCompiler();

/// Resources of `kernel` from the messages of ptxas -v; nothing if they do not mention it.
std::optional<KernelResources> parseResources(llvm::StringRef log, llvm::StringRef kernel);

} // namespace tenon::codegen::cuda

#endif // TENON_CODEGEN_CUDA_COMPILE_H
