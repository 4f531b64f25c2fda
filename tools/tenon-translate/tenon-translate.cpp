//===- tenon-translate.cpp - Translations between formats and IR -----------===//
#include "tenon/Importer/Importer.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
  tenon::registerOnnxToGraphTranslation();
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "Tenon translation tool"));
}
