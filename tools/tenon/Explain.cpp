//===- Explain.cpp - tenon explain ----------------------------------------===//
#include "Commands.h"
#include "common/Codes.h"
#include "common/Report.h"

using namespace tenon;
using namespace tenon::tools;

static llvm::json::Object toJson(const Explanation &row) {
  return llvm::json::Object{{"code", row.code},     {"summary", row.summary}, {"detail", row.detail},
                            {"remedy", row.remedy}, {"exit", row.exit},       {"category", exitStatusName(row.exit)}};
}

static void print(const Explanation &row) {
  llvm::outs() << row.code << ": " << row.summary << '\n';
  if (!row.detail.empty())
    llvm::outs() << row.detail << '\n';
  llvm::outs() << "remedy: " << row.remedy << "\nexit status: " << row.exit << " (" << exitStatusName(row.exit)
               << ")\n";
}

static int listAll(const Report &report) {
  llvm::json::Array all;
  for (const Explanation &row : allCodes()) {
    if (!report.json())
      llvm::outs() << row.code << "  " << row.summary << '\n';
    all.push_back(toJson(row));
  }
  return report.finish(llvm::json::Object{{"codes", std::move(all)}});
}

int tools::runExplain(Arguments arguments) {
  Report report;
  CommandLine line("explain", "TNxxxx", "Says what an error code means and what to do; lists all codes without one.",
                   /*operandRequired=*/false);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  if (line.operand().empty())
    return listAll(report);
  for (const Explanation &row : allCodes())
    if (llvm::StringRef(line.operand()).equals_insensitive(row.code)) {
      if (!report.json())
        print(row);
      return report.finish(toJson(row));
    }
  return report.fail(
      Status::error("TN9013", "there is no code '" + line.operand() + "'", "", "`tenon explain` lists all of them"));
}
