//===- InspectModel.cpp - What is in an ONNX model ------------------------===//
#include "Inspect.h"
#include "common/Codes.h"
#include "tenon/Importer/Summary.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

static json::Array toJson(const std::vector<ModelTensor> &tensors) {
  json::Array out;
  for (const ModelTensor &tensor : tensors) {
    json::Array dims;
    for (const std::string &dim : tensor.dims) {
      int64_t value;
      if (llvm::StringRef(dim).getAsInteger(10, value))
        dims.push_back(json::fixUTF8(dim));
      else
        dims.push_back(value);
    }
    if (!tensor.ranked)
      dims.push_back("...");
    out.push_back(json::Object{{"name", json::fixUTF8(tensor.name)}, {"type", tensor.type}, {"dims", std::move(dims)}});
  }
  return out;
}

static json::Object toJson(const std::map<std::string, int64_t> &counts) {
  json::Object out;
  for (const auto &[name, count] : counts)
    out[json::fixUTF8(name)] = count;
  return out;
}

static void print(const ModelSummary &summary, const json::Object &described) {
  llvm::outs() << "ONNX model";
  if (!summary.producer.empty())
    llvm::outs() << " by " << printable(summary.producer);
  llvm::outs() << ", IR version " << summary.irVersion << ", opset";
  for (const auto &[domain, version] : summary.opsets)
    llvm::outs() << ' ' << (domain.empty() ? "" : printable(domain) + ":") << version;
  llvm::outs() << '\n';
  printTensors("inputs", *described.getArray("inputs"));
  printTensors("outputs", *described.getArray("outputs"));
  llvm::outs() << llvm::formatv("parameters: {0} in {1}\nnodes: {2}\n", summary.parameters,
                                formatBytes(uint64_t(summary.parameterBytes)), summary.nodes);
  std::vector<std::pair<std::string, int64_t>> ops(summary.ops.begin(), summary.ops.end());
  llvm::sort(ops,
             [](const auto &a, const auto &b) { return std::tie(b.second, a.first) < std::tie(a.second, b.first); });
  for (const auto &[name, count] : ops)
    llvm::outs() << llvm::formatv("  {0,6}  {1}\n", count, printable(name));
}

int tools::inspectModel(llvm::StringRef path, const Report &report) {
  mlir::MLIRContext context;
  DiagnosticCollector diagnostics(context);
  auto summary = summarizeOnnx(path, context);
  if (failed(summary))
    return report.fail(diagnostics.errorsOfFailure());
  json::Object described{{"kind", "model"},
                         {"producer", json::fixUTF8(summary->producer)},
                         {"graph", json::fixUTF8(summary->graph)},
                         {"ir_version", summary->irVersion},
                         {"opsets", toJson(summary->opsets)},
                         {"inputs", toJson(summary->inputs)},
                         {"outputs", toJson(summary->outputs)},
                         {"nodes", summary->nodes},
                         {"functions", summary->functions},
                         {"ops", toJson(summary->ops)},
                         {"parameters", summary->parameters},
                         {"parameter_bytes", summary->parameterBytes}};
  if (!report.json())
    print(*summary, described);
  return report.finish(std::move(described));
}
