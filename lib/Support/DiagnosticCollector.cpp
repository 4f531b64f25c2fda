//===- DiagnosticCollector.cpp - Diagnostics as error records -------------===//
#include "tenon/Support/DiagnosticCollector.h"

#include "tenon/Support/Errors.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace tenon {

std::string nodeOf(Location loc) {
  std::string name;
  loc->walk([&](Location each) {
    auto named = dyn_cast<NameLoc>(each);
    if (!named)
      return WalkResult::advance();
    name = named.getName().str();
    return WalkResult::interrupt();
  });
  return name;
}

/// "file:line:col" of a location in MLIR text, or "".
static std::string positionOf(Location loc) {
  std::string position;
  loc->walk([&](Location each) {
    auto file = dyn_cast<FileLineColLoc>(each);
    if (!file)
      return WalkResult::advance();
    position = llvm::formatv("{0}:{1}:{2}: ", file.getFilename().getValue(), file.getLine(), file.getColumn()).str();
    return WalkResult::interrupt();
  });
  return position;
}

static ErrorInfo makeInfo(Diagnostic &diagnostic) {
  ErrorInfo info;
  const std::string text = diagnostic.str();
  StringRef message = text;
  if (getCodeOf(message)) {
    info.code = message.take_until([](char c) { return c == ':'; }).str();
    message = message.drop_front(std::min(info.code.size() + 1, message.size())).ltrim();
  } else {
    info.code = "TN9001";
    info.remedy = "this is a fault of Tenon: report it with the model and the command";
  }
  info.node = nodeOf(diagnostic.getLocation());
  info.message = (info.node.empty() ? positionOf(diagnostic.getLocation()) : "") + message.str();
  for (Diagnostic &note : diagnostic.getNotes()) {
    const std::string line = note.str();
    if (StringRef(line).starts_with("remedy: "))
      info.remedy = line.substr(8);
  }
  return info;
}

DiagnosticCollector::DiagnosticCollector(MLIRContext &context, size_t most)
    : handler(&context, [this, most](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error && collected.size() < most)
          collected.push_back(makeInfo(diagnostic));
        return success();
      }) {}

std::vector<ErrorInfo> DiagnosticCollector::errorsOfFailure() const {
  if (!collected.empty())
    return collected;
  return {{"TN9001", "the compiler failed without saying why", "report it with the model and the command", ""}};
}

} // namespace tenon
