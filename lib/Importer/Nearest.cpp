//===- Nearest.cpp - The nearest form that is supported --------------------===//
#include "Nearest.h"

#include "tenon/Importer/Operators.h"
#include "tenon/Support/Errors.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace tenon::importer {
namespace {

/// What does the work of operators whose names do not tell; empty for others.
StringRef replacementOf(StringRef domain, StringRef op) {
  if (domain == "ai.onnx.ml")
    return "operators of ai.onnx: hummingbird-ml rewrites trees, linear models and scalers by them";
  if (op.starts_with("String") || op == "RegexFullMatch")
    return "numbers: strings have no kernels, so encode them before they enter the model";
  if (op.starts_with("Random") || op == "Multinomial" || op == "Bernoulli")
    return "an input of the model that is given the random numbers";
  return StringSwitch<StringRef>(op)
      .Case("ImageDecoder", "an input of the model that is given the decoded image")
      .Case("Scatter", "ScatterElements")
      .Cases({"MultiHeadAttention", "GroupQueryAttention", "PackedMultiHeadAttention", "QAttention"},
             "Attention of ai.onnx (opset 23 and newer)")
      .Case("EmbedLayerNormalization", "Gather, Add and LayerNormalization of ai.onnx")
      .Case("SimplifiedLayerNormalization", "RMSNormalization of ai.onnx (opset 23 and newer)")
      .Case("MatMulNBits", "DequantizeLinear with block_size, then MatMul, of ai.onnx (opset 21 and newer)")
      .Cases({"FusedConv", "FusedGemm"}, "the operator of ai.onnx, then its activation")
      .Cases({"QLinearAdd", "QLinearMul", "QLinearConcat", "QLinearSigmoid", "QLinearAveragePool",
              "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearSoftmax"},
             "DequantizeLinear, the operator of ai.onnx, then QuantizeLinear")
      .Default("");
}

std::string describeOpsets(const OperatorInfo &info) {
  std::string text;
  for (auto [first, last] : info.opsets) {
    text += text.empty() ? "opset " : " and ";
    text += std::to_string(first);
    if (last == maxOpset)
      text += " and newer";
    else if (last != first)
      text += " to " + std::to_string(last);
  }
  return text;
}

std::string nameOf(const OperatorInfo &info) {
  const bool isStandard = info.domain.empty();
  return "'" + info.name + "' of " + (isStandard ? "ai.onnx (" + describeOpsets(info) + ")" : info.domain);
}

/// The supported operator of the nearest name, at most a third of it (or two letters) other; one of the same domain
/// before others.
const OperatorInfo *findNearest(StringRef domain, StringRef op) {
  const OperatorInfo *nearest = nullptr;
  const unsigned most = std::max<unsigned>(op.size() > 3 ? 2 : 1, unsigned(op.size()) / 3);
  unsigned best = 4 * most + 4;
  for (const OperatorInfo &info : listOperators()) {
    if (info.opsets.empty())
      continue;
    const unsigned edits = StringRef(info.name).equals_insensitive(op) ? 0 : op.edit_distance(info.name, true, most);
    const unsigned distance =
        4 * edits + 2 * (info.domain != domain) + (op.take_front() != StringRef(info.name).take_front());
    if (distance < best)
      best = distance, nearest = &info;
  }
  return nearest;
}

} // namespace

std::string nearestOperator(const onnx::NodeProto &node, int64_t opset) {
  const StringRef domain = node.domain() == "ai.onnx" ? StringRef() : StringRef(node.domain()), op = node.op_type();
  const auto &all = listOperators();
  auto own = find_if(all, [&](const OperatorInfo &o) { return o.domain == domain && o.name == op; });
  const StringRef replacement = replacementOf(domain, op);
  if (own != all.end() && !own->opsets.empty()) {
    std::string text = nameOf(*own) + " is supported";
    return replacement.empty() ? text + ": convert the model with onnx.version_converter"
                               : text + "; later the nearest supported form is " + replacement.str();
  }
  if (!replacement.empty())
    return "the nearest supported form is " + replacement.str();
  if (const OperatorInfo *nearest = findNearest(domain, op))
    return "the nearest supported operator is " + nameOf(*nearest);
  const std::string remedy = findCode(unsigned(Code::UnknownOp))->remedy.str();
  SmallVector<StringRef> names;
  for (const OperatorInfo &info : all)
    if (info.domain == domain && !domain.empty())
      names.push_back(info.name);
  return names.empty() ? remedy + "; docs/SupportedOps.md lists them"
                       : remedy + "; of " + domain.str() + " there are " + join(names, ", ");
}

mlir::InFlightDiagnostic emitUnknownOperator(mlir::Location loc, const onnx::NodeProto &node, int64_t opset) {
  auto error = emitError(loc, Code::UnknownOp, nearestOperator(node, opset));
  error << node.op_type() << " (opset " << opset << "): there is no import rule for '" << node.op_type()
        << "' of domain '" << (node.domain().empty() ? "ai.onnx" : node.domain()) << "'";
  return error;
}

std::string nearestElementType(int64_t dataType) {
  switch (dataType) {
  case onnx::TensorProto::STRING:
    return "the nearest supported type is int64: give strings by their numbers in a vocabulary";
  case onnx::TensorProto::COMPLEX64:
    return "the nearest supported type is float, with one more dimension of 2 for real and imaginary parts";
  case onnx::TensorProto::COMPLEX128:
    return "the nearest supported type is double, with one more dimension of 2 for real and imaginary parts";
  default:
    return "ONNX has no such type; the nearest supported one is float (1)";
  }
}

std::string nearestValue(StringRef got, ArrayRef<StringRef> supported) {
  const StringRef *nearest = nullptr;
  unsigned best = ~0u;
  for (const StringRef &value : supported)
    if (unsigned distance = got.lower() == value.lower() ? 0 : got.edit_distance(value); distance < best)
      best = distance, nearest = &value;
  return ("the nearest supported value is '" + *nearest + "', of " + join(supported, ", ")).str();
}

} // namespace tenon::importer
