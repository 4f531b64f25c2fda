//===- Summary.h - What is in an ONNX model -------------------------------===//
#ifndef TENON_IMPORTER_SUMMARY_H
#define TENON_IMPORTER_SUMMARY_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <string>
#include <vector>

namespace tenon {

/// An input or output of the model as the file declares it.
struct ModelTensor {
  std::string name;
  std::string type;              ///< "float32", ...; the kind of value where it is not a tensor
  std::vector<std::string> dims; ///< a number, a name, or "?"
  bool ranked = true;            ///< whether the file states the dimensions at all
};

/// What `tenon inspect` prints about a model.
struct ModelSummary {
  std::string producer, graph;
  int64_t irVersion = 0;
  std::map<std::string, int64_t> opsets; ///< by domain; "" is ONNX's own
  std::vector<ModelTensor> inputs;       ///< without those that are initializers
  std::vector<ModelTensor> outputs;
  std::map<std::string, int64_t> ops; ///< nodes by operator, those of subgraphs and functions not included
  int64_t nodes = 0, functions = 0;
  int64_t parameters = 0, parameterBytes = 0; ///< elements and bytes of the initializers
};

/// Reads and checks the structure of the model at `path`, without importing it: ops need not be supported. Emits the
/// diagnostics of an import on failure.
mlir::FailureOr<ModelSummary> summarizeOnnx(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace tenon

#endif // TENON_IMPORTER_SUMMARY_H
