//===- OnnxBridge.h - What the importer takes from the onnx library --------===//
//
// The library throws; its exceptions end here.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_IMPORTER_ONNXBRIDGE_H
#define TENON_IMPORTER_ONNXBRIDGE_H

#include <onnx/onnx_pb.h>
#include <optional>
#include <string>
#include <vector>

namespace tenon::importer {

/// The checker's message, or nothing if it accepts the model. Initializers are not looked at (our structure check did);
/// the model is as before on return.
std::optional<std::string> runOnnxChecker(onnx::ModelProto &model);

/// The body ONNX defines for `node` at `opset`, specialised to its operand types where the standard needs that (an
/// empty TypeProto stands for an absent operand); nothing if there is none.
std::optional<onnx::FunctionProto> getSchemaFunction(const onnx::NodeProto &node, int opset,
                                                     const std::vector<onnx::TypeProto> &operandTypes);

/// True if the standard knows the operator at this opset.
bool isKnownOperator(const onnx::NodeProto &node, int opset);

/// True if ONNX defines a body for the operator at this opset, be it one that depends on operands and attributes.
bool hasSchemaFunction(const onnx::NodeProto &node, int opset);

/// The names of all operators of ai.onnx, in every version that there was, sorted.
std::vector<std::string> listStandardOperators();

/// A node of the operator at `opset` of ai.onnx with as many operands and results as it must have; nothing where the
/// standard does not know it, or no more.
std::optional<onnx::NodeProto> makeExample(const std::string &op, int opset);

} // namespace tenon::importer

#endif // TENON_IMPORTER_ONNXBRIDGE_H
