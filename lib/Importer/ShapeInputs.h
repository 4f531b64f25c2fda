//===- ShapeInputs.h - Inputs that shapes are computed from ----------------===//
#ifndef TENON_IMPORTER_SHAPEINPUTS_H
#define TENON_IMPORTER_SHAPEINPUTS_H

#include "ModelFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"

namespace tenon::importer {

/// The inputs of `graph` whose elements reach an operand that decides a shape (Reshape's second, axes, ..), by way of
/// shape arithmetic only. Names of other values may be among them.
llvm::StringSet<> findShapeInputs(const onnx::GraphProto &graph);

/// The operands of a standard operator whose elements a shape depends on.
llvm::ArrayRef<int> getShapeOperands(llvm::StringRef op);

} // namespace tenon::importer

#endif // TENON_IMPORTER_SHAPEINPUTS_H
