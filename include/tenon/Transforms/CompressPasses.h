//===- CompressPasses.h - Passes that make a model smaller ----------------===//
#ifndef TENON_TRANSFORMS_COMPRESSPASSES_H
#define TENON_TRANSFORMS_COMPRESSPASSES_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Transforms/CompressPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/CompressPasses.h.inc"

} // namespace tenon

#endif // TENON_TRANSFORMS_COMPRESSPASSES_H
