//===- Unsupported.h - Operators without a rule, of a model that is broken ---===//
#ifndef TENON_IMPORTER_UNSUPPORTED_H
#define TENON_IMPORTER_UNSUPPORTED_H

#include "ModelFile.h"

namespace tenon::importer {

/// Emits TN1201 for every node that no import rule knows, in subgraphs and functions too.
void reportUnsupported(const onnx::ModelProto &model, mlir::MLIRContext &context);

} // namespace tenon::importer

#endif // TENON_IMPORTER_UNSUPPORTED_H
