//===- tenon-translate.cpp - Translations between formats and IR -----------===//
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "tenon/Codegen/CUDA/Codegen.h"
#include "tenon/Exporter/Exporter.h"
#include "tenon/Importer/Importer.h"

int main(int argc, char **argv) {
  tenon::registerOnnxToGraphTranslation();
  tenon::registerGraphToOnnxTranslation();
  tenon::codegen::cuda::registerGraphToCudaTranslation();
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "Tenon translation tool"));
}
