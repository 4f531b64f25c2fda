//===- tenon-probe.cpp - What the compiler says of many small models -------===//
//
// For docs/SupportedOps.md (test/Conformance/operators.py). Reads lines "TARGET MODEL.onnx" and prints for each a JSON
// object: {"regions": 1, "on_host": 0, "host_steps": 0} of what a check finds, or {"code": "TN1204", "error": ".."}.
// Nothing is compiled or run.
//
//===----------------------------------------------------------------------===//
#include "tenon/Pipelines/Check.h"
#include "tenon/Support/DiagnosticCollector.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <iostream>

using namespace tenon;

/// A context for each: types and attributes of a model are kept as long as the context.
static llvm::json::Object probe(llvm::StringRef target, llvm::StringRef path) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticCollector diagnostics(context, 1);
  CompileOptions options;
  options.target = target.str();
  auto result = checkModel(path, options, context);
  if (succeeded(result))
    return llvm::json::Object{
        {"regions", result->regions}, {"on_host", result->onHost}, {"host_steps", result->hostSteps}};
  const ErrorInfo error = diagnostics.errorsOfFailure().front();
  return llvm::json::Object{{"code", error.code}, {"error", llvm::json::fixUTF8(error.message)}};
}

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto [target, path] = llvm::StringRef(line).split(' ');
    llvm::outs() << llvm::json::Value(probe(target, path)) << '\n';
    llvm::outs().flush(); // so that a crash tells its model
  }
}
