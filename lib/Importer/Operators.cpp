//===- Operators.cpp - Which operators an import knows --------------------===//
//
// By the table of rules, and for operators without one by the bodies that ONNX defines, whose operators must be known
// in turn. docs/SupportedOps.md and the remedies of TN1201 are of this list.
//
//===----------------------------------------------------------------------===//
#include "tenon/Importer/Operators.h"

#include "GraphImporter.h"
#include "Nearest.h"
#include "OnnxBridge.h"

using namespace mlir;

namespace tenon::importer {

/// Bodies that depend on types are asked for with tensors of f32.
static std::optional<onnx::FunctionProto> bodyOf(const onnx::NodeProto &node, int64_t opset) {
  onnx::TypeProto type;
  type.mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  return getSchemaFunction(node, int(opset), std::vector<onnx::TypeProto>(size_t(node.input_size()), type));
}

bool isSupportedOperator(const onnx::NodeProto &node, int64_t opset) {
  StringRef domain = node.domain() == "ai.onnx" ? StringRef() : StringRef(node.domain()), op = node.op_type();
  if (Registry::get().find(domain, op, opset))
    return true;
  if (!domain.empty() || !isKnownOperator(node, int(opset)))
    return false;
  if (isShapeArithmetic(op) || GraphImporter::isHostOperator(op) ||
      llvm::is_contained({"If", "Loop", "Scan", "Shape", "Size", "SequenceMap"}, op))
    return true;
  // Bodies of the standard nest a few deep, and never call themselves. One that needs to know more is taken to be fine.
  auto body = bodyOf(node, opset);
  return body ? llvm::all_of(body->node(), [&](const onnx::NodeProto &n) { return isSupportedOperator(n, opset); })
              : hasSchemaFunction(node, int(opset));
}

static OperatorInfo describe(const std::string &op) {
  OperatorInfo info{"", op, {}};
  for (int64_t opset = 1; opset <= maxOpset; ++opset) {
    auto node = makeExample(op, int(opset));
    if (!node || !isSupportedOperator(*node, opset))
      continue;
    if (!info.opsets.empty() && info.opsets.back().second == opset - 1)
      info.opsets.back().second = opset;
    else
      info.opsets.emplace_back(opset, opset);
  }
  return info;
}

} // namespace tenon::importer

const std::vector<tenon::OperatorInfo> &tenon::listOperators() {
  static const std::vector<OperatorInfo> list = [] {
    std::vector<OperatorInfo> all;
    for (const std::string &op : importer::listStandardOperators())
      all.push_back(importer::describe(op));
    for (const auto &[domain, op, since] : importer::Registry::get().listOtherDomains())
      all.push_back({domain, op, {{since, since}}});
    return all;
  }();
  return list;
}
