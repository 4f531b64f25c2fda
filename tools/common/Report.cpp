//===- Report.cpp - How results and errors leave a tool -------------------===//
#include "common/Report.h"

#include "common/Codes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace tenon::tools {

void Report::declare(CommandLine &line) {
  line.choice("format", {"text", "json"}, "how to print the result; json also for errors", format);
}

std::string printable(llvm::StringRef text) {
  std::string out;
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f)
      out += llvm::formatv("\\x{0:x-2}", unsigned(c)).str();
    else
      out += char(c);
  }
  return out;
}

std::string describe(const ErrorInfo &error) {
  std::string text = "error: " + error.code + ": ";
  if (!error.node.empty())
    text += "node '" + printable(error.node) + "': ";
  text += printable(error.message) + "\n";
  if (!error.remedy.empty())
    text += "remedy: " + printable(error.remedy) + "\n";
  return text;
}

static llvm::json::Object toJson(const ErrorInfo &error) {
  // A name from a hostile file need not be UTF-8, which JSON is.
  auto utf8 = [](const std::string &text) { return llvm::json::fixUTF8(text); };
  return llvm::json::Object{{"code", error.code},
                            {"message", utf8(error.message)},
                            {"node", utf8(error.node)},
                            {"remedy", utf8(error.remedy)},
                            {"exit", exitStatusOf(error.code)}};
}

static void print(llvm::json::Object document) {
  llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(document))) << '\n';
  llvm::outs().flush();
}

int Report::fail(llvm::ArrayRef<ErrorInfo> errors) const {
  llvm::outs().flush();
  for (const ErrorInfo &error : errors)
    llvm::errs() << describe(error);
  if (json()) {
    llvm::json::Array all;
    for (const ErrorInfo &error : errors)
      all.push_back(toJson(error));
    print(llvm::json::Object{{"error", toJson(errors.front())}, {"errors", std::move(all)}});
  }
  return exitStatusOf(errors.front().code);
}

int Report::finish(llvm::json::Object result, int status) const {
  if (json())
    print(std::move(result));
  return status;
}

bool parseOrExit(CommandLine &line, Report &report, llvm::ArrayRef<const char *> arguments, int &status) {
  if (Status parsed = line.parse(arguments); !parsed.ok()) {
    report.preferJson(llvm::is_contained(arguments, llvm::StringRef("--format=json")));
    status = report.fail(parsed);
    return false;
  }
  if (line.helpWanted()) {
    line.printHelp(llvm::outs());
    status = ExitOk;
    return false;
  }
  return true;
}

std::string formatBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"B", "kB", "MB", "GB", "TB"};
  double value = double(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? llvm::formatv("{0} B", bytes).str() : llvm::formatv("{0:F1} {1}", value, units[unit]).str();
}

} // namespace tenon::tools
