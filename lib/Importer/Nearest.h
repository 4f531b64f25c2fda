//===- Nearest.h - The nearest form that is supported ----------------------===//
#ifndef TENON_IMPORTER_NEAREST_H
#define TENON_IMPORTER_NEAREST_H

#include "ModelFile.h"

namespace tenon::importer {

/// Whether the import knows the operator in some form: by a rule, in shape arithmetic, in the script, or by the body
/// that ONNX defines.
bool isSupportedOperator(const onnx::NodeProto &node, int64_t opset);

/// The remedy for a node whose operator is not supported: its supported opsets, the operator of another domain, the one
/// that replaces it, or that of the nearest name.
std::string nearestOperator(const onnx::NodeProto &node, int64_t opset);

/// Emits TN1201 for the node, with that remedy.
mlir::InFlightDiagnostic emitUnknownOperator(mlir::Location loc, const onnx::NodeProto &node, int64_t opset);

/// The remedy for an element type (onnx::TensorProto::DataType) that the importer has no type for.
std::string nearestElementType(int64_t dataType);

/// The remedy for `got`, a value of an attribute: the nearest of `supported` by name, and all of them.
std::string nearestValue(llvm::StringRef got, llvm::ArrayRef<llvm::StringRef> supported);

} // namespace tenon::importer

#endif // TENON_IMPORTER_NEAREST_H
