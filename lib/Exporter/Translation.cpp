//===- Translation.cpp - tenon-translate --graph-to-onnx -------------------===//
#include "mlir/Tools/mlir-translate/Translation.h"
#include "Graph/IR/GraphDialect.h"
#include "Plan/IR/PlanOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Exporter/Exporter.h"

namespace tenon {

void registerGraphToOnnxTranslation(const ExportOptions &options) {
  static mlir::TranslateFromMLIRRegistration registration(
      "graph-to-onnx", "write a function of graph ops as an ONNX model",
      [&options](mlir::Operation *op, llvm::raw_ostream &out) {
        return exportOnnx(mlir::cast<mlir::ModuleOp>(op), out, options);
      },
      [](mlir::DialectRegistry &registry) {
        registry.insert<graph::GraphDialect, plan_ir::PlanDialect, mlir::func::FuncDialect>();
      });
}

} // namespace tenon
