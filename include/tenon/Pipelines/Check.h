//===- Check.h - What of a model is not supported, all at once ------------===//
#ifndef TENON_PIPELINES_CHECK_H
#define TENON_PIPELINES_CHECK_H

#include "tenon/Pipelines/Compiler.h"

namespace tenon {

/// What a successful check found.
struct CheckResult {
  int64_t regions = 0;   ///< that become a kernel each
  int64_t onHost = 0;    ///< of these, on the processor beside the device
  int64_t hostSteps = 0; ///< operators that the runtime has a function for, in the script
};

/// Imports the model at `path` and forms its regions for the target of `options`, without making kernels. Emits an
/// error for every node that cannot be imported (nodes that depend on one are passed over), or else for every region
/// without a kernel; fails if there was one.
mlir::FailureOr<CheckResult> checkModel(llvm::StringRef path, const CompileOptions &options,
                                        mlir::MLIRContext &context);

} // namespace tenon

#endif // TENON_PIPELINES_CHECK_H
