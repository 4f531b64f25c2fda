//===- tenon-translate.cpp - Translations between formats and IR -----------===//
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "tenon/Importer/Importer.h"

int main(int argc, char **argv) {
  tenon::registerOnnxToGraphTranslation();
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "Tenon translation tool"));
}
