//===- Passes.h - Passes from graph to graph ------------------------------===//
#ifndef TENON_TRANSFORMS_PASSES_H
#define TENON_TRANSFORMS_PASSES_H

#include "Graph/IR/GraphOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Shard/IR/ShardDialect.h"
#include "mlir/Pass/Pass.h"

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/Passes.h.inc"

} // namespace tenon

#endif // TENON_TRANSFORMS_PASSES_H
