//===- QuantizationPasses.h - Passes on what is quantized -----------------===//
#ifndef TENON_TRANSFORMS_QUANTIZATIONPASSES_H
#define TENON_TRANSFORMS_QUANTIZATIONPASSES_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Transforms/QuantizationPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/QuantizationPasses.h.inc"

} // namespace tenon

#endif // TENON_TRANSFORMS_QUANTIZATIONPASSES_H
