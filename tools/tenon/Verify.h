//===- Verify.h - What a compiled model is compared with ------------------===//
#ifndef TENON_TOOLS_TENON_VERIFY_H
#define TENON_TOOLS_TENON_VERIFY_H

#include "common/Inputs.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Runtime/Session.h"
#include <memory>

namespace tenon::tools {

/// Computes what a model should give. Failures are reported as error records.
class Oracle {
public:
  virtual ~Oracle() = default;
  /// The outputs called `names`, for these inputs.
  virtual Expected<std::vector<runtime::Tensor>> run(llvm::ArrayRef<runtime::NamedTensor> inputs,
                                                     llvm::ArrayRef<std::string> names) = 0;
};

/// lib/Reference on the imported graph, which must outlive the result.
std::unique_ptr<Oracle> makeReferenceOracle(mlir::func::FuncOp function);

/// ONNX Runtime in a Python child; its files go to `scratch`. TN9009 where it is not installed.
Expected<std::unique_ptr<Oracle>> makeOnnxRuntimeOracle(llvm::StringRef model, llvm::StringRef scratch, int threads);

/// How each integer input is to be drawn: an index stays inside of every table that it reaches.
std::map<std::string, DrawRule> findDrawRules(mlir::func::FuncOp function);

} // namespace tenon::tools

#endif // TENON_TOOLS_TENON_VERIFY_H
