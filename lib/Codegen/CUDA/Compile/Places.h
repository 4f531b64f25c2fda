//===- Places.h - Where CUDA compilers are looked for ---------------------===//
//
// Needs neither LLVM nor MLIR: tests that see neither look in the same places.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_CODEGEN_CUDA_COMPILE_PLACES_H
#define TENON_LIB_CODEGEN_CUDA_COMPILE_PLACES_H

#include <string>
#include <vector>

namespace tenon::codegen::cuda {

/// The toolkit's folders, most specific first: $CUDA_HOME, $CUDA_PATH, /usr/local/cuda.
std::vector<std::string> toolkitFolders();

/// Whether $TENON_NVRTC names the library: then no other is looked for, and nvcc neither.
bool isNvrtcNamed();

/// Names and paths for dlopen, in order: $TENON_NVRTC alone, or what the system finds, the toolkit's folders, then the
/// Python packages of $VIRTUAL_ENV and of what ./dev installs.
std::vector<std::string> nvrtcPlaces();

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_COMPILE_PLACES_H
