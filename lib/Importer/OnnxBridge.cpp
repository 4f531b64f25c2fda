//===- OnnxBridge.cpp - What the importer takes from the onnx library ------===//
//
// The only file of the compiler that is built with exceptions.
//
//===----------------------------------------------------------------------===//
#include "OnnxBridge.h"

#include <exception>
#include <onnx/checker.h>
#include <onnx/defs/function.h>
#include <onnx/defs/schema.h>
#include <set>

namespace tenon::importer {
namespace {

/// Makes the main graph checkable, until the end of its life. Initializers give way to inputs of the same types, so
/// that the checker opens no files and reads no weights; inputs and outputs without a shape, which the checker refuses
/// but exporters write, get an empty one.
class CheckableGraph {
public:
  explicit CheckableGraph(onnx::GraphProto &graph) : graph(graph), inputs(graph.input_size()) {
    for (auto *list : {graph.mutable_input(), graph.mutable_output()})
      for (auto &value : *list)
        if (value.type().has_tensor_type() && !value.type().tensor_type().has_shape()) {
          shapeless.push_back(value.mutable_type()->mutable_tensor_type());
          shapeless.back()->mutable_shape();
        }
    std::set<std::string> names;
    for (const auto &input : graph.input())
      names.insert(input.name());
    graph.mutable_initializer()->Swap(&initializers);
    for (const auto &tensor : initializers) {
      if (!names.insert(tensor.name()).second)
        continue;
      auto *input = graph.add_input();
      input->set_name(tensor.name());
      auto *type = input->mutable_type()->mutable_tensor_type();
      type->set_elem_type(tensor.data_type());
      type->mutable_shape();
      for (int64_t dim : tensor.dims())
        type->mutable_shape()->add_dim()->set_dim_value(dim);
    }
  }
  CheckableGraph(const CheckableGraph &) = delete;
  CheckableGraph &operator=(const CheckableGraph &) = delete;
  ~CheckableGraph() {
    for (auto *type : shapeless)
      type->clear_shape();
    graph.mutable_initializer()->Swap(&initializers);
    while (graph.input_size() > inputs)
      graph.mutable_input()->RemoveLast();
  }

private:
  onnx::GraphProto &graph;
  int inputs;
  std::vector<onnx::TypeProto::Tensor *> shapeless;
  google::protobuf::RepeatedPtrField<onnx::TensorProto> initializers;
};

const onnx::OpSchema *findSchema(const onnx::NodeProto &node, int opset) {
  const std::string domain = node.domain() == "ai.onnx" ? std::string() : node.domain();
  return onnx::OpSchemaRegistry::Schema(node.op_type(), opset, domain);
}

/// States the schema's defaults in the body, where it refers to attributes that the node may leave out.
onnx::FunctionProto withDefaults(onnx::FunctionProto function, const onnx::OpSchema &schema) {
  std::set<std::string> stated;
  for (const auto &attribute : function.attribute_proto())
    stated.insert(attribute.name());
  for (const auto &[name, attribute] : schema.attributes())
    if (attribute.default_value.type() != onnx::AttributeProto::UNDEFINED && stated.insert(name).second) {
      auto *value = function.add_attribute_proto();
      *value = attribute.default_value;
      value->set_name(name);
    }
  return function;
}

} // namespace

std::optional<std::string> runOnnxChecker(onnx::ModelProto &model) {
  CheckableGraph guard(*model.mutable_graph());
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception &error) {
    return std::string(error.what());
  }
  return std::nullopt;
}

std::optional<onnx::FunctionProto> getSchemaFunction(const onnx::NodeProto &node, int opset,
                                                     const std::vector<onnx::TypeProto> &operandTypes) {
  try {
    const onnx::OpSchema *schema = findSchema(node, opset);
    if (!schema || schema->Deprecated())
      return std::nullopt;
    if (schema->HasContextDependentFunction()) {
      onnx::FunctionBodyBuildContextImpl context(node, operandTypes);
      onnx::FunctionProto function;
      if (schema->BuildContextDependentFunction(context, function, opset))
        return withDefaults(std::move(function), *schema);
    }
    if (const onnx::FunctionProto *function = schema->HasFunction() ? schema->GetFunction(opset) : nullptr)
      return withDefaults(*function, *schema);
  } catch (const std::exception &) {
    // A body that cannot be built for these operands is as good as none.
  }
  return std::nullopt;
}

bool isKnownOperator(const onnx::NodeProto &node, int opset) {
  try {
    return findSchema(node, opset) != nullptr;
  } catch (const std::exception &) {
    return false;
  }
}

bool hasSchemaFunction(const onnx::NodeProto &node, int opset) {
  const onnx::OpSchema *schema = isKnownOperator(node, opset) ? findSchema(node, opset) : nullptr;
  return schema && !schema->Deprecated() && (schema->HasFunction() || schema->HasContextDependentFunction());
}

std::vector<std::string> listStandardOperators() {
  std::set<std::string> names;
  for (const onnx::OpSchema &schema : onnx::OpSchemaRegistry::get_all_schemas_with_history())
    if (schema.domain().empty())
      names.insert(schema.Name());
  return {names.begin(), names.end()};
}

std::optional<onnx::NodeProto> makeExample(const std::string &op, int opset) {
  onnx::NodeProto node;
  node.set_op_type(op);
  const onnx::OpSchema *schema = isKnownOperator(node, opset) ? findSchema(node, opset) : nullptr;
  if (!schema || schema->Deprecated())
    return std::nullopt;
  for (int i = 0; i < schema->min_input(); ++i)
    node.add_input("x");
  for (int i = 0; i < std::max(schema->min_output(), 1); ++i)
    node.add_output("y");
  return node;
}

} // namespace tenon::importer
