//===- Unsupported.cpp - Operators without a rule, of a model that is broken -===//
//
// A model whose structure is at fault is not imported. That operators of it are unsupported can be said all the same.
//
//===----------------------------------------------------------------------===//
#include "Unsupported.h"

#include "GraphImporter.h"
#include "OnnxBridge.h"

using namespace mlir;

namespace tenon::importer {
namespace {

struct Reporter {
  const onnx::ModelProto &model;
  MLIRContext &context;
  llvm::StringMap<int64_t> opsets;
  llvm::StringMap<char> functions;
  SmallVector<const onnx::GraphProto *> graphs;

  static StringRef normal(StringRef domain) { return domain == "ai.onnx" ? StringRef() : domain; }

  /// Whether the import knows the operator in some form.
  bool isSupported(const onnx::NodeProto &node, int64_t opset) const {
    StringRef domain = normal(node.domain()), op = node.op_type();
    if (functions.contains((domain + "\n" + op).str()) || Registry::get().find(domain, op, opset) ||
        isShapeArithmetic(op))
      return true;
    return domain.empty() &&
           (op == "If" || op == "Loop" || op == "Scan" || op == "Shape" || op == "Size" ||
            GraphImporter::isHostOperator(op) || getSchemaFunction(node, int(opset), operandTypes(node)));
  }

  /// Bodies that depend on types are asked for with tensors of f32.
  static std::vector<onnx::TypeProto> operandTypes(const onnx::NodeProto &node) {
    onnx::TypeProto type;
    type.mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    return std::vector<onnx::TypeProto>(size_t(node.input_size()), type);
  }

  template <typename Nodes>
  void visit(const Nodes &nodes) {
    for (const auto &node : nodes) {
      auto opset = opsets.find(normal(node.domain()));
      if (opset != opsets.end() && !isSupported(node, opset->second))
        emitError(getNodeLocation(&context, node), Code::UnknownOp)
            << node.op_type() << " (opset " << opset->second << "): there is no import rule for '" << node.op_type()
            << "' of domain '" << (normal(node.domain()).empty() ? "ai.onnx" : node.domain()) << "'";
      for (const auto &attribute : node.attribute())
        if (attribute.has_g())
          graphs.push_back(&attribute.g());
    }
  }
};

} // namespace

void reportUnsupported(const onnx::ModelProto &model, MLIRContext &context) {
  Reporter reporter{model, context, {}, {}, {}};
  for (const auto &import : model.opset_import())
    reporter.opsets[Reporter::normal(import.domain())] = import.version();
  for (const auto &function : model.functions())
    reporter.functions[(Reporter::normal(function.domain()) + "\n" + function.name()).str()] = 0;
  for (const auto &function : model.functions())
    reporter.visit(function.node());
  reporter.graphs.push_back(&model.graph());
  while (!reporter.graphs.empty())
    reporter.visit(reporter.graphs.pop_back_val()->node());
}

} // namespace tenon::importer
