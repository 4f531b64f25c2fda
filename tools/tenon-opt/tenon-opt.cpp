//===- tenon-opt.cpp - Runs passes on textual IR --------------------------===//
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tenon/Pipelines/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tenon::registerAllDialects(registry);
  tenon::registerAllPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Tenon pass driver\n", registry));
}
