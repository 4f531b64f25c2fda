//===- Report.h - How results and errors leave a tool ---------------------===//
//
// People read stderr: "error: TN1203: node 'x': reason" and a remedy. With --format=json, stdout holds one JSON
// document in any case: the result, or {"error": {...}, "errors": [...]}.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TOOLS_COMMON_REPORT_H
#define TENON_TOOLS_COMMON_REPORT_H

#include "common/CommandLine.h"
#include "tenon/Plan/Status.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"

namespace tenon::tools {

class Report {
public:
  /// Adds --format=text|json to a command line.
  void declare(CommandLine &line);

  bool json() const { return format == "json"; }

  /// Prints errors and returns the exit status of the first.
  int fail(llvm::ArrayRef<ErrorInfo> errors) const;
  int fail(const Status &status) const { return fail(status.error()); }
  /// Prints the result of a success where JSON is wanted; returns `status`.
  int finish(llvm::json::Object result, int status = 0) const;

  /// For errors before all options are read.
  void preferJson(bool wanted) { format = wanted ? "json" : format; }

private:
  std::string format = "text";
};

/// Parses; false where the caller has to return `status` at once (after --help, or a usage error).
bool parseOrExit(CommandLine &line, Report &report, llvm::ArrayRef<const char *> arguments, int &status);

/// The error as people read it, on two lines.
std::string describe(const ErrorInfo &error);

/// Text that comes from a file, made printable: control characters become \xNN.
std::string printable(llvm::StringRef text);

/// "12.3 MB"; decimal units.
std::string formatBytes(uint64_t bytes);

} // namespace tenon::tools

#endif // TENON_TOOLS_COMMON_REPORT_H
