//===- Translation.cpp - tenon-translate --onnx-to-graph -------------------===//
#include "mlir/Tools/mlir-translate/Translation.h"
#include "Graph/IR/GraphDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Importer/Importer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

namespace tenon {

void registerOnnxToGraphTranslation() {
  static mlir::TranslateToMLIRRegistration registration(
      "onnx-to-graph", "import an ONNX model into the graph dialect",
      [](llvm::SourceMgr &sources, mlir::MLIRContext *context) -> mlir::OwningOpRef<mlir::Operation *> {
        const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(sources.getMainFileID());
        llvm::StringRef path = buffer->getBufferIdentifier();
        if (path != "<stdin>")
          return mlir::OwningOpRef<mlir::Operation *>(importOnnx(path, *context).release());
        return mlir::OwningOpRef<mlir::Operation *>(importOnnxBytes(buffer->getBuffer(), "", *context).release());
      },
      [](mlir::DialectRegistry &registry) { registry.insert<graph::GraphDialect, mlir::func::FuncDialect>(); });
}

} // namespace tenon
