//===- Registration.h - All dialects and passes of Tenon ------------------===//
#ifndef TENON_PIPELINES_REGISTRATION_H
#define TENON_PIPELINES_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"

namespace tenon {

/// Adds the dialects of Tenon and the upstream ones it lowers to.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Makes every pass and pipeline available by name (tenon-opt).
void registerAllPasses();

} // namespace tenon

#endif // TENON_PIPELINES_REGISTRATION_H
