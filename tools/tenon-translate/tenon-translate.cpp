//===- tenon-translate.cpp - Translations between formats and IR -----------===//
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Exporter/Exporter.h"
#include "tenon/Importer/Importer.h"
#include "llvm/Support/CommandLine.h"

int main(int argc, char **argv) {
  tenon::registerOnnxToGraphTranslation();
  tenon::ExportOptions exportOptions;
  llvm::cl::opt<std::string, true> weights(
      "onnx-weights", llvm::cl::location(exportOptions.weightsPath), llvm::cl::value_desc("file"),
      llvm::cl::desc("--graph-to-onnx: write weights to this file, beside the model"));
  tenon::registerGraphToOnnxTranslation(exportOptions);
  tenon::codegen::cuda::registerGraphToCudaTranslation();
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "Tenon translation tool"));
}
