//===- RegionText.h - A dispatch region from the text of its block --------===//
#ifndef TENON_TEST_UNIT_CODEGEN_REGIONTEXT_H
#define TENON_TEST_UNIT_CODEGEN_REGIONTEXT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

namespace tenon::codegen {

/// `func @f(%0: .., %1: ..)` with one dispatch of `body`; result types are those of its graph.yield.
inline std::string regionText(llvm::StringRef operands, llvm::StringRef body) {
  std::string types, inputs, arguments, parameters;
  llvm::SmallVector<llvm::StringRef> list;
  operands.split(list, ';', -1, false);
  for (auto [i, type] : llvm::enumerate(list)) {
    llvm::StringRef separator = i ? ", " : "";
    types += (separator + type.trim()).str();
    inputs += llvm::formatv("{0}%p{1}", separator, i).str();
    arguments += llvm::formatv("{0}%{1}: {2}", separator, i, type.trim()).str();
    parameters += llvm::formatv("{0}%p{1}: {2}", separator, i, type.trim()).str();
  }
  llvm::StringRef results = body.substr(body.rfind("graph.yield")).split(" : ").second.trim();
  return llvm::formatv("func.func @f({0}) {{\n  %r:{5} = graph.dispatch({1}) {{\n  ^bb0({2}):\n{3}\n  } : ({4}) -> "
                       "({6})\n  return\n}\n",
                       parameters, inputs, arguments, body, types, "RESULTS", results)
      .str();
}

/// A module with the region; null, with diagnostics, where it cannot be parsed. Operands are %0, %1, .. of `operands`
/// (tensor types, separated by semicolons).
inline mlir::OwningOpRef<mlir::ModuleOp> parseRegion(mlir::MLIRContext &context, llvm::StringRef operands,
                                                     llvm::StringRef body) {
  std::string text = regionText(operands, body);
  size_t at = text.find("RESULTS"); // the number of results is not in the text: try
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    mlir::ScopedDiagnosticHandler quiet(&context, [](mlir::Diagnostic &) { return mlir::success(); });
    for (int count = 1; count < 5 && !module; ++count)
      module =
          mlir::parseSourceString<mlir::ModuleOp>(std::string(text).replace(at, 7, std::to_string(count)), &context);
  }
  if (!module)
    module = mlir::parseSourceString<mlir::ModuleOp>(text.replace(at, 7, "1"), &context);
  return module;
}

} // namespace tenon::codegen

#endif // TENON_TEST_UNIT_CODEGEN_REGIONTEXT_H
