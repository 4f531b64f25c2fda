//===- Targets.h - What can be compiled for -------------------------------===//
#ifndef TENON_PIPELINES_TARGETS_H
#define TENON_PIPELINES_TARGETS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tenon {

/// A target of `tenon compile --target=NAME`.
struct Target {
  llvm::StringLiteral name;
  /// Kernels are CUDA C++, and the device has memory of its own.
  bool isGpu;
  /// Kernels may be calls of cuBLASLt and cuDNN.
  bool hasLibraries;
  llvm::ArrayRef<llvm::StringLiteral> archs;        ///< all that can be named, best first
  llvm::ArrayRef<llvm::StringLiteral> defaultArchs; ///< best first
  llvm::ArrayRef<llvm::StringLiteral> integerArchs; ///< the default where there are products of integers
};

llvm::ArrayRef<Target> getTargets();

/// The target called `name`, or null.
const Target *findTarget(llvm::StringRef name);

} // namespace tenon

#endif // TENON_PIPELINES_TARGETS_H
