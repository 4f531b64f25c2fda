//===- ProgramCache.h - Compiled programs, by what they were made of ------===//
#ifndef TENON_LIB_CODEGEN_CUDA_COMPILE_PROGRAMCACHE_H
#define TENON_LIB_CODEGEN_CUDA_COMPILE_PROGRAMCACHE_H

#include "ProgramCompiler.h"

namespace tenon::codegen::cuda {

/// A folder of files named by a hash. Several processes may use it: files appear whole, and what is damaged is missing.
class ProgramCache {
public:
  /// "" = $XDG_CACHE_HOME/tenon/cuda (or ~/.cache), "-" = no cache.
  explicit ProgramCache(llvm::StringRef folder);

  /// The name of what `parts` make.
  static std::string key(llvm::ArrayRef<llvm::StringRef> parts);
  bool load(const std::string &key, ProgramResult &result) const;
  /// Failing to store is no error: the next compilation pays for it.
  void store(const std::string &key, const ProgramResult &result) const;

private:
  std::string path(const std::string &key) const;

  std::string folder; ///< empty: no cache
};

} // namespace tenon::codegen::cuda

#endif // TENON_LIB_CODEGEN_CUDA_COMPILE_PROGRAMCACHE_H
