//===- ExportScript.h - Scripts as ONNX control flow -----------------------===//
#ifndef TENON_EXPORTER_EXPORTSCRIPT_H
#define TENON_EXPORTER_EXPORTSCRIPT_H

#include "GraphWriter.h"
#include "Plan/IR/PlanOps.h"

namespace tenon::exporter {

/// Writes inputs, nodes and outputs of `graph`. Emits TN1301.
mlir::LogicalResult exportScript(GraphWriter &w, plan_ir::ScriptOp script, onnx::GraphProto &graph);

/// The ops of `block`; those of a region of graph.dispatch in its place.
mlir::LogicalResult exportBlock(GraphWriter &w, mlir::Block &block);

/// A declaration: extents are numbers, or names where they are symbols. False if ONNX has no such elements.
bool describeTensor(onnx::TypeProto_Tensor &proto, mlir::TensorType type);

} // namespace tenon::exporter

#endif // TENON_EXPORTER_EXPORTSCRIPT_H
