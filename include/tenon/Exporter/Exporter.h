//===- Exporter.h - The graph dialect to ONNX models ----------------------===//
#ifndef TENON_EXPORTER_EXPORTER_H
#define TENON_EXPORTER_EXPORTER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon {

/// What an export may be told.
struct ExportOptions {
  /// The file that weights go to, beside the model, which names it by its last component. Empty: into the model.
  std::string weightsPath;
  /// Bytes of weights that the model itself may hold: a protobuf message has at most 2 GiB.
  uint64_t maxEmbeddedBytes = (uint64_t(2) << 30) - (uint64_t(16) << 20);
};

/// Writes `module`, one function of graph ops (regions of graph.dispatch included), or several and the script that
/// calls them, as a serialised ONNX model with its weights: opset 21, or 26 where the function has an operator that
/// only came then. Extents that are expressions become Shape and arithmetic on it; ops that ONNX does not have become
/// compositions of ONNX's. Argument and result names are those of `graph.name`. Emits TN1301 for what has no ONNX form
/// and TN1302 for weights that do not fit.
mlir::LogicalResult exportOnnx(mlir::ModuleOp module, llvm::raw_ostream &out, const ExportOptions &options = {});

/// Registers `--graph-to-onnx` with mlir-translate-like tools. `options` is read when it runs, and must live until
/// then.
void registerGraphToOnnxTranslation(const ExportOptions &options);

} // namespace tenon

#endif // TENON_EXPORTER_EXPORTER_H
