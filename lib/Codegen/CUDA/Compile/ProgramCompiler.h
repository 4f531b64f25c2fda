//===- ProgramCompiler.h - One translation unit to machine code -----------===//
#ifndef TENON_LIB_CODEGEN_CUDA_COMPILE_PROGRAMCOMPILER_H
#define TENON_LIB_CODEGEN_CUDA_COMPILE_PROGRAMCOMPILER_H

#include "Places.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>
#include <vector>

namespace tenon::codegen::cuda {

/// What a compiler made of a program.
struct ProgramResult {
  bool ok = false;
  std::vector<char> code;
  std::string log; ///< messages of the compiler and of ptxas -v
};

/// A CUDA compiler. Thread-safe.
class ProgramCompiler {
public:
  virtual ~ProgramCompiler() = default;
  /// Compiles `source` for `arch` ("sm_80": a cubin, "compute_80": PTX).
  virtual ProgramResult compile(const std::string &source, const std::string &arch,
                                llvm::ArrayRef<std::string> options) const = 0;
  /// Names the compiler and its version: part of the key of what it compiles.
  virtual std::string describe() const = 0;
};

/// NVRTC; null, with the places that were searched appended to `searched`, if there is none.
std::unique_ptr<ProgramCompiler> openNvrtc(std::string &searched);
/// nvcc, as a process; null as above.
std::unique_ptr<ProgramCompiler> findNvcc(std::string &searched);
/// A C++ compiler that makes objects for the virtual GPU; null as above.
std::unique_ptr<ProgramCompiler> findHostCompiler(std::string &searched);

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_COMPILE_PROGRAMCOMPILER_H
