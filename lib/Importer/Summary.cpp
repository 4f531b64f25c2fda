//===- Summary.cpp - What is in an ONNX model -----------------------------===//
#include "tenon/Importer/Summary.h"

#include "ModelFile.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace tenon {

static std::string typeName(int32_t type) {
  // As numpy and ml_dtypes call them.
  switch (type) {
  case onnx::TensorProto::FLOAT:
    return "float32";
  case onnx::TensorProto::DOUBLE:
    return "float64";
  default:
    return StringRef(onnx::TensorProto_DataType_IsValid(type)
                         ? onnx::TensorProto_DataType_Name(static_cast<onnx::TensorProto_DataType>(type))
                         : "unknown")
        .lower();
  }
}

static std::string dimName(const onnx::TensorShapeProto::Dimension &dim) {
  if (dim.has_dim_value())
    return std::to_string(dim.dim_value());
  return dim.dim_param().empty() ? "?" : dim.dim_param();
}

static ModelTensor describe(const onnx::ValueInfoProto &value) {
  ModelTensor tensor{value.name(), "", {}, false};
  const onnx::TypeProto &type = value.type();
  if (!type.has_tensor_type()) {
    tensor.type = type.has_sequence_type() ? "sequence" : type.has_optional_type() ? "optional" : "other";
    return tensor;
  }
  tensor.type = typeName(type.tensor_type().elem_type());
  tensor.ranked = type.tensor_type().has_shape();
  for (const auto &dim : type.tensor_type().shape().dim())
    tensor.dims.push_back(dimName(dim));
  return tensor;
}

/// Elements and bytes of the initializers; checkStructure has checked that they do not overflow.
static LogicalResult countParameters(const onnx::GraphProto &graph, MLIRContext &context, ModelSummary &summary) {
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    auto bytes = importer::getTensorBytes(tensor, importer::getNameLocation(&context, tensor.name()));
    if (failed(bytes))
      return failure();
    int64_t elements = 1;
    for (int64_t dim : tensor.dims())
      elements *= dim;
    summary.parameters += elements;
    summary.parameterBytes += *bytes;
  }
  return success();
}

FailureOr<ModelSummary> summarizeOnnx(StringRef path, MLIRContext &context) {
  auto file = importer::ModelFile::read(path, context);
  if (!file || failed(importer::checkStructure(*file, context)))
    return failure();
  const onnx::ModelProto &model = file->proto;
  const onnx::GraphProto &graph = model.graph();
  ModelSummary summary;
  summary.producer = model.producer_name();
  summary.graph = graph.name();
  summary.irVersion = model.ir_version();
  summary.functions = model.functions_size();
  summary.nodes = graph.node_size();
  for (const auto &opset : model.opset_import())
    summary.opsets[opset.domain() == "ai.onnx" ? "" : opset.domain()] = opset.version();
  for (const auto &node : graph.node())
    ++summary.ops[node.domain().empty() ? node.op_type() : node.domain() + "." + node.op_type()];
  llvm::StringSet<> initializers;
  for (const auto &tensor : graph.initializer())
    initializers.insert(tensor.name());
  for (const auto &input : graph.input())
    if (!initializers.contains(input.name()))
      summary.inputs.push_back(describe(input));
  for (const auto &output : graph.output())
    summary.outputs.push_back(describe(output));
  if (failed(countParameters(graph, context, summary)))
    return failure();
  return summary;
}

} // namespace tenon
