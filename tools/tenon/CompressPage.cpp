//===- CompressPage.cpp - What a compression did, for people ---------------===//
#include "CompressPage.h"

#include "common/Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"
#include <cmath>

using namespace tenon;
using namespace tenon::tools;
using llvm::formatv;
namespace json = llvm::json;

Status CompressReport::countFiles() {
  for (auto [path, bytes] : {std::pair(&model, &fileBefore), std::pair(&output, &fileAfter)}) {
    uint64_t size = 0;
    if (std::error_code code = llvm::sys::fs::file_size(*path, size))
      return Status::error("TN9004", "cannot read '" + *path + "': " + code.message());
    *bytes = int64_t(size);
  }
  return Status::success();
}

static double ratio(double before, double after) { return after > 0 ? before / after : 0; }

/// What people have to know: one sentence each.
static std::vector<std::string> findWarnings(const CompressReport &report) {
  std::vector<std::string> warnings;
  if (!report.result.isChanged && report.attempts.empty())
    warnings.push_back("nothing was changed: see the notes");
  if (report.comparison)
    llvm::append_range(warnings, report.comparison->warnings());
  else if (report.attempts.empty())
    warnings.push_back("nothing was measured: there are no data; add --calibration or --evaluate");
  return warnings;
}

static std::string nameOf(const compress::Attempt &attempt) {
  std::string name = compress::describe(attempt.options);
  if (!attempt.options.keep.empty())
    name += formatv(", {0} nodes kept", attempt.options.keep.size());
  return name;
}

static int64_t bytesOf(const compress::Result &result, bool after) {
  int64_t sum = 0;
  for (const compress::LayerResult &layer : result.layers)
    sum += after ? layer.bytesAfter : layer.bytesBefore;
  return sum;
}

/// What a search tried: * the choice of it, + what nothing beats, ! what is beyond the limits.
static void printAttempts(llvm::ArrayRef<compress::Attempt> attempts, llvm::raw_ostream &out) {
  if (!attempts.empty())
    out << "tried      (+ nothing beats it in loss, size and time at once, ! beyond the limits, or slower)\n";
  for (const compress::Attempt &a : attempts)
    out << formatv("  {0}{1} {2,6:F2} % lost {3,10} {4,9:F3} ms  {5}\n", a.isDominated ? ' ' : '+',
                   a.isWithin ? ' ' : '!', a.comparison.loss(), formatBytes(uint64_t(a.comparison.planBytesAfter)),
                   a.comparison.secondsAfter * 1e3, nameOf(a));
}

void tools::printReport(const CompressReport &report, llvm::raw_ostream &out) {
  const compress::Result &result = report.result;
  out << formatv("{0}: {1}; {2} -> {3}\n", report.output, report.method, formatBytes(uint64_t(report.fileBefore)),
                 formatBytes(uint64_t(report.fileAfter)));
  if (!result.layers.empty()) {
    const int64_t before = bytesOf(result, false), after = bytesOf(result, true);
    out << formatv("layers     {0}, their weights {1} -> {2} ({3:F2} x smaller)\n", result.layers.size(),
                   formatBytes(uint64_t(before)), formatBytes(uint64_t(after)), ratio(double(before), double(after)));
  }
  if (report.comparison) {
    const compress::Comparison &c = *report.comparison;
    out << formatv("plan       {0} -> {1}\n", formatBytes(uint64_t(c.planBytesBefore)),
                   formatBytes(uint64_t(c.planBytesAfter)));
    out << formatv("time       {0:F3} ms -> {1:F3} ms a run ({2:F2} x)\n", c.secondsBefore * 1e3, c.secondsAfter * 1e3,
                   ratio(c.secondsBefore, c.secondsAfter));
    if (report.predictedAfter > 0)
      out << formatv("predicted  {0:F3} ms -> {1:F3} ms\n", report.predictedBefore * 1e3, report.predictedAfter * 1e3);
    out << formatv("outputs    error {0:F4} of the norm, cosine {1:F6}", c.error, c.cosine);
    if (c.agreement >= 0)
      out << formatv(", largest number in its place in {0:F2} % of the rows", 100 * c.agreement);
    out << formatv("; {0} samples\n", c.samples);
    if (c.accuracyBefore >= 0)
      out << formatv("labels     {0:F2} % -> {1:F2} %\n", 100 * c.accuracyBefore, 100 * c.accuracyAfter);
  }
  printAttempts(report.attempts, out);
  out.flush();
  constexpr size_t mostNotes = 6;
  const std::vector<std::string> &notes = report.result.notes;
  for (size_t i = 0; i < std::min(notes.size(), mostNotes); ++i)
    llvm::errs() << "note: " << printable(notes[i]) << '\n';
  if (notes.size() > mostNotes)
    llvm::errs() << "note: .. and " << notes.size() - mostNotes << " more, which --report and --format=json hold\n";
  for (const std::string &warning : findWarnings(report))
    llvm::errs() << "warning: " << printable(warning) << '\n';
}

/// JSON has no infinities.
static json::Value number(double value) { return std::isfinite(value) ? json::Value(value) : json::Value(nullptr); }

static json::Object toJson(const compress::Comparison &c) {
  json::Object object{{"samples", c.samples},
                      {"error", number(c.error)},
                      {"cosine", c.cosine},
                      {"loss_percent", number(c.loss())},
                      {"loss_of", c.lossName()},
                      {"seconds_before", c.secondsBefore},
                      {"seconds_after", c.secondsAfter},
                      {"plan_bytes_before", c.planBytesBefore},
                      {"plan_bytes_after", c.planBytesAfter}};
  if (c.agreement >= 0)
    object["agreement"] = c.agreement;
  if (c.accuracyBefore >= 0) {
    object["accuracy_before"] = c.accuracyBefore;
    object["accuracy_after"] = c.accuracyAfter;
  }
  return object;
}

json::Object tools::toJson(const CompressReport &report) {
  json::Array layers, warnings, notes;
  for (const std::string &note : report.result.notes)
    notes.push_back(json::fixUTF8(note));
  for (const compress::LayerResult &layer : report.result.layers)
    layers.push_back(toJson(layer));
  for (const std::string &warning : findWarnings(report))
    warnings.push_back(json::fixUTF8(warning));
  json::Object object{{"output", json::fixUTF8(report.output)},
                      {"method", report.method},
                      {"file_bytes_before", report.fileBefore},
                      {"file_bytes_after", report.fileAfter},
                      {"layer_bytes_before", bytesOf(report.result, false)},
                      {"layer_bytes_after", bytesOf(report.result, true)},
                      {"weight_bytes_before", report.result.bytesBefore},
                      {"weight_bytes_after", report.result.bytesAfter},
                      {"samples", report.result.samples},
                      {"layers", std::move(layers)},
                      {"notes", std::move(notes)},
                      {"warnings", std::move(warnings)}};
  if (!report.dataHash.empty())
    object["data_hash"] = report.dataHash;
  if (report.comparison)
    object["comparison"] = ::toJson(*report.comparison);
  if (report.predictedAfter > 0) {
    object["predicted_seconds_before"] = report.predictedBefore;
    object["predicted_seconds_after"] = report.predictedAfter;
  }
  json::Array attempts;
  for (const compress::Attempt &attempt : report.attempts)
    attempts.push_back(json::Object{{"method", nameOf(attempt)},
                                    {"within", attempt.isWithin},
                                    {"dominated", attempt.isDominated},
                                    {"comparison", ::toJson(attempt.comparison)}});
  if (!attempts.empty())
    object["attempts"] = std::move(attempts);
  return object;
}

//===----------------------------------------------------------------------===//
// The page
//===----------------------------------------------------------------------===//

static std::string escape(llvm::StringRef text) {
  std::string escaped;
  llvm::raw_string_ostream stream(escaped);
  llvm::printHTMLEscaped(printable(json::fixUTF8(text)), stream);
  return escaped;
}

static void printHead(const CompressReport &report, llvm::raw_ostream &out) {
  const std::string title = escape(llvm::sys::path::filename(report.model).str() + ": " + report.method);
  out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" << title << R"(</title>
<style>
body { font: 14px/1.45 system-ui, sans-serif; color: #1d2430; background: #fff; max-width: 1120px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 12px; } h2 { font-size: 16px; margin: 28px 0 6px; }
.figures { display: flex; flex-wrap: wrap; gap: 12px; } .figure { border: 1px solid #e2e6ec; border-radius: 6px; padding: 8px 14px; }
.figure b { display: block; font-size: 20px; } .figure span { color: #4a5568; }
.warning { background: #fff6e0; border-left: 4px solid #e0a100; padding: 6px 12px; margin: 8px 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 3px 8px; border-bottom: 1px solid #e2e6ec; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } td.bar { width: 220px; }
.bar i { display: block; height: 10px; background: #3b74c4; } .bar i.high { background: #d9822b; }
</style></head><body>
<h1>)" << title
      << "</h1>\n";
}

static void printFigure(llvm::StringRef value, llvm::StringRef name, llvm::raw_ostream &out) {
  out << "<div class=\"figure\"><b>" << escape(value) << "</b><span>" << escape(name) << "</span></div>\n";
}

static void printFigures(const CompressReport &report, llvm::raw_ostream &out) {
  out << "<div class=\"figures\">\n";
  printFigure(formatBytes(uint64_t(report.fileAfter)), "file, " + formatBytes(uint64_t(report.fileBefore)) + " before",
              out);
  const double before = double(bytesOf(report.result, false)), after = double(bytesOf(report.result, true));
  if (after > 0)
    printFigure(formatv("{0:F2} x", before / after).str(), "smaller weights of layers", out);
  if (report.comparison) {
    const compress::Comparison &c = *report.comparison;
    printFigure(formatv("{0:F3} ms", c.secondsAfter * 1e3).str(),
                formatv("a run, {0:F3} ms before", c.secondsBefore * 1e3).str(), out);
    if (report.predictedAfter > 0)
      printFigure(formatv("{0:F3} ms", report.predictedAfter * 1e3).str(),
                  formatv("predicted, {0:F3} ms before", report.predictedBefore * 1e3).str(), out);
    printFigure(formatv("{0:F2} %", c.loss()).str(), std::string("lost: ") + c.lossName(), out);
    printFigure(formatv("{0:F6}", c.cosine).str(), "cosine of outputs", out);
  }
  out << "</div>\n";
}

static void printLayers(const compress::Result &result, llvm::raw_ostream &out) {
  double most = 1e-9;
  for (const compress::LayerResult &layer : result.layers)
    most = std::max(most, layer.error);
  out << "<h2>Layers</h2>\n<table><tr><th>node</th><th>op</th><th>method</th><th class=\"n\">weights</th><th "
         "class=\"n\">bytes</th><th class=\"n\">error</th><th>error, relative to the norm of its outputs</th></tr>\n";
  for (const compress::LayerResult &layer : result.layers) {
    out << "<tr><td>" << escape(layer.node) << "</td><td>" << layer.op << "</td><td>" << escape(layer.method)
        << "</td><td class=\"n\">" << layer.weights << "</td><td class=\"n\">"
        << formatBytes(uint64_t(layer.bytesAfter)) << "</td>";
    if (layer.error < 0)
      out << "<td class=\"n\">not known</td><td></td>";
    else
      out << formatv("<td class=\"n\">{0:F4}</td><td class=\"bar\"><i{1} style=\"width:{2:F1}%\"></i></td>",
                     layer.error, layer.error > 0.1 ? " class=\"high\"" : "", 100 * layer.error / most);
    out << "</tr>\n";
  }
  out << "</table>\n";
}

static void printTried(llvm::ArrayRef<compress::Attempt> attempts, llvm::raw_ostream &out) {
  if (attempts.empty())
    return;
  out << "<h2>What was tried</h2>\n<table><tr><th>method</th><th class=\"n\">lost</th><th class=\"n\">plan</th><th "
         "class=\"n\">ms a run</th><th>within the limits</th><th>beaten by another</th></tr>\n";
  for (const compress::Attempt &a : attempts)
    out << formatv("<tr><td>{0}</td><td class=\"n\">{1:F2} %</td><td class=\"n\">{2}</td><td "
                   "class=\"n\">{3:F3}</td><td>{4}</td><td>{5}</td></tr>\n",
                   escape(nameOf(a)), a.comparison.loss(), formatBytes(uint64_t(a.comparison.planBytesAfter)),
                   a.comparison.secondsAfter * 1e3, a.isWithin ? "yes" : "no", a.isDominated ? "yes" : "no");
  out << "</table>\n";
}

Status tools::writePage(const CompressReport &report, const std::string &path) {
  std::error_code code;
  llvm::ToolOutputFile file(path, code, llvm::sys::fs::OF_Text);
  if (code)
    return Status::error("TN9010", "cannot write '" + path + "': " + code.message());
  llvm::raw_ostream &out = file.os();
  printHead(report, out);
  printFigures(report, out);
  for (const std::string &warning : findWarnings(report))
    out << "<p class=\"warning\">" << escape(warning) << "</p>\n";
  printTried(report.attempts, out);
  if (!report.result.notes.empty())
    out << "<h2>Notes</h2>\n<ul>\n";
  for (const std::string &note : report.result.notes)
    out << "<li>" << escape(note) << "</li>\n";
  if (!report.result.notes.empty())
    out << "</ul>\n";
  printLayers(report.result, out);
  out << "<p>Calibrated with " << report.result.samples << " samples";
  if (!report.dataHash.empty())
    out << "; hash of the data " << report.dataHash;
  out << ".</p>\n</body></html>\n";
  out.flush();
  if (file.os().has_error()) {
    code = file.os().error();
    file.os().clear_error();
    return Status::error("TN9010", "cannot write '" + path + "': " + code.message());
  }
  file.keep();
  return Status::success();
}
