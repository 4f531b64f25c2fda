//===- Importer.h - ONNX models to the graph dialect ----------------------===//
#ifndef TENON_IMPORTER_IMPORTER_H
#define TENON_IMPORTER_IMPORTER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

namespace tenon {

/// What an import may be told.
struct ImportOptions {
  /// Input name -> extents to fix (`--shape x=1x3x224x224!`). A symbol bound by one input is bound everywhere. An entry
  /// of -1 leaves that dimension as the model has it.
  llvm::StringMap<llvm::SmallVector<int64_t>> fixedShapes;
  /// Run the onnx library's checker after our own structure check.
  bool runChecker = true;
  /// After a node that cannot be imported, go on with those that do not depend on it: all errors at once.
  bool keepsGoing = false;
};

/// Imports the model at `path`: a module with one function @main of graph ops, in ONNX's topological order. Arguments
/// and results carry the ONNX name as the attribute `graph.name`; locations are node names. Constants of more than 64
/// elements are dense_resource attributes over the parsed file or the mapped external data, which live as long as
/// `context`. The file is untrusted. On failure diagnostics with a TN code are emitted and the result is null.
/// Loads the dialects it needs.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(llvm::StringRef path, mlir::MLIRContext &context,
                                             const ImportOptions &options = {});

/// The same for a serialised model in memory. External data is looked up beneath `directory`; if that is empty,
/// external data is refused. `bytes` need not outlive the call.
mlir::OwningOpRef<mlir::ModuleOp> importOnnxBytes(llvm::StringRef bytes, llvm::StringRef directory,
                                                  mlir::MLIRContext &context, const ImportOptions &options = {});

/// Registers `--onnx-to-graph` with mlir-translate-like tools.
void registerOnnxToGraphTranslation();

} // namespace tenon

#endif // TENON_IMPORTER_IMPORTER_H
