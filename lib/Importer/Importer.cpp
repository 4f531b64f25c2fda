//===- Importer.cpp - ONNX models to the graph dialect ---------------------===//
#include "tenon/Importer/Importer.h"

#include "GraphImporter.h"
#include "Nearest.h"
#include "OnnxBridge.h"
#include "Plan/IR/PlanOps.h"
#include "Unsupported.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace tenon::importer;

namespace tenon {

/// Operators the standard does not know are "unsupported", not "rejected by the checker".
static LogicalResult checkOperators(const onnx::ModelProto &model, MLIRContext &context, bool reports) {
  int64_t opset = 1;
  for (const auto &import : model.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx")
      opset = import.version();
  llvm::StringMap<char> local;
  for (const auto &function : model.functions())
    local[function.domain() + "\n" + function.name()] = 0;
  for (const auto &node : model.graph().node()) {
    if ((!node.domain().empty() && node.domain() != "ai.onnx") || isKnownOperator(node, int(opset)) ||
        local.contains(node.domain() + "\n" + node.op_type()))
      continue;
    if (!reports) // the import reports it
      return failure();
    return emitError(getNodeLocation(&context, node), Code::UnknownOp, nearestOperator(node, opset))
           << node.op_type() << ": ONNX has no such operator at opset " << opset;
  }
  return success();
}

static OwningOpRef<ModuleOp> importModel(std::shared_ptr<ModelFile> file, MLIRContext &context,
                                         const ImportOptions &options) {
  context.loadDialect<graph::GraphDialect, func::FuncDialect, plan_ir::PlanDialect>();
  if (!file)
    return {};
  constexpr int64_t mostFaults = 1000;
  if (failed(checkStructure(*file, context, options.keepsGoing ? mostFaults : 1))) {
    if (options.keepsGoing)
      reportUnsupported(file->proto, context);
    return {};
  }
  const bool isKnown = succeeded(checkOperators(file->proto, context, !options.keepsGoing));
  if (!isKnown && !options.keepsGoing)
    return {};
  if (options.runChecker && isKnown) {
    if (auto message = runOnnxChecker(file->proto)) {
      emitError(getNameLocation(&context, file->proto.graph().name()), Code::CheckerRejected) << *message;
      return {};
    }
  }
  OwningOpRef<ModuleOp> module = GraphImporter(file, context, options).import();
  if (module && failed(verify(*module)))
    return {};
  return module;
}

OwningOpRef<ModuleOp> importOnnx(StringRef path, MLIRContext &context, const ImportOptions &options) {
  return importModel(ModelFile::read(path, context), context, options);
}

OwningOpRef<ModuleOp> importOnnxBytes(StringRef bytes, StringRef directory, MLIRContext &context,
                                      const ImportOptions &options) {
  auto file = ModelFile::parse(bytes, getNameLocation(&context, "model"));
  if (file)
    file->setDirectories(directory.str(), directory.str());
  return importModel(std::move(file), context, options);
}

} // namespace tenon
