//===- Unsupported.cpp - Operators without a rule, of a model that is broken -===//
//
// A model whose structure is at fault is not imported. That operators of it are unsupported can be said all the same.
//
//===----------------------------------------------------------------------===//
#include "Unsupported.h"

#include "Nearest.h"
#include "llvm/ADT/StringMap.h"

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

  template <typename Nodes>
  void visit(const Nodes &nodes) {
    for (const auto &node : nodes) {
      auto opset = opsets.find(normal(node.domain()));
      const bool isFunction = functions.contains((normal(node.domain()) + "\n" + node.op_type()).str());
      if (opset != opsets.end() && !isFunction && !isSupportedOperator(node, opset->second))
        emitUnknownOperator(getNodeLocation(&context, node), node, opset->second);
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
