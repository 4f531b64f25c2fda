//===- PartitionPage.cpp - A partition as a page with charts --------------===//
#include "PartitionTable.h"
#include "common/Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <cmath>

using namespace tenon;
using namespace tenon::tools;

namespace {

constexpr double left = 120, right = 1080, lane = 18; ///< of charts, in pixels

/// Text for HTML; names come from a model.
std::string escape(llvm::StringRef text) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  llvm::printHTMLEscaped(printable(llvm::json::fixUTF8(text)), stream);
  return out;
}

class Page {
public:
  Page(const PartitionAnswer &answer, llvm::raw_ostream &out)
      : answer(answer), out(out), end(answer.seconds > 0 ? answer.seconds : 1) {
    for (const PartitionSpan &span : answer.spans)
      end = std::max(end, span.end);
  }

  void print(llvm::StringRef title);

private:
  double x(double time) const { return left + (right - left) * time / end; }
  void printHead(llvm::StringRef title);
  void printSummary();
  void printAxis(double height);
  void printLane(int stage, bool isCommunication, double top);
  void printBar(const PartitionSpan &first, double stop, int count, double top);
  void printGantt();
  void printMemory();
  void printLevels(int stage, double top, double height, double most);
  void printOps();
  void printTried();

  const PartitionAnswer &answer;
  llvm::raw_ostream &out;
  double end;
};

} // namespace

void Page::printHead(llvm::StringRef title) {
  out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" << escape(title) << R"(</title>
<style>
body { font: 14px/1.45 system-ui, sans-serif; color: #1d2430; background: #fff; max-width: 1120px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 6px; }
p { margin: 4px 0; color: #4a5568; } svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: #4a5568; } .grid { stroke: #e2e6ec; } .frame { fill: #f5f7fa; }
.forward { fill: #3b73b9; } .input { fill: #58a182; } .weight { fill: #9a6fb8; } .optimizer { fill: #b8893b; } .comm { fill: #d9534f; }
.level { fill: #cfe0f3; stroke: #3b73b9; } .held { fill: #9dbde0; } .limit { stroke: #d9534f; stroke-dasharray: 5 4; }
table { border-collapse: collapse; width: 100%; font-size: 13px; } th { text-align: left; color: #4a5568; font-weight: 600; }
th, td { padding: 3px 10px 3px 0; border-bottom: 1px solid #e8ebf0; vertical-align: top; } .n { text-align: right; white-space: nowrap; }
td.name { overflow-wrap: anywhere; max-width: 260px; } .key { display: inline-block; width: 11px; height: 11px; margin: 0 4px 0 12px; }
.big { display: flex; flex-wrap: wrap; gap: 12px; margin: 12px 0; } .big div { background: #f5f7fa; border-radius: 6px; padding: 8px 14px; }
.big b { display: block; font-size: 18px; } .scroll { overflow-x: auto; }
</style></head><body>
)";
}

void Page::printSummary() {
  auto box = [&](const std::string &figure, llvm::StringRef what) {
    out << "<div><b>" << figure << "</b>" << what << "</div>\n";
  };
  out << "<div class=\"big\">\n";
  box(escape(answer.parallel.str()), "form");
  box(std::to_string(answer.parallel.devices()), "devices");
  box(formatSeconds(answer.seconds), "predicted");
  box(formatSeconds(answer.bound), "no plan is faster");
  box(llvm::formatv("{0:F2} %", 100 * answer.gap()), "gap");
  if (answer.microbatches > 1)
    box(std::to_string(answer.microbatches), "microbatches");
  if (answer.parallel.stages > 1)
    box(formatSeconds(answer.bottleneck), "slowest stage");
  box(formatBytes(uint64_t(*std::max_element(answer.peakBytes.begin(), answer.peakBytes.end()))),
      "most memory of a device");
  out << "</div>\n";
}

/// Lines at round times, and the times.
void Page::printAxis(double height) {
  const double raw = end / 8, power = std::pow(10.0, std::floor(std::log10(raw)));
  const double step = power * (raw / power <= 1 ? 1 : raw / power <= 2 ? 2 : raw / power <= 5 ? 5 : 10);
  for (int i = 0; i * step <= end; ++i)
    out << llvm::formatv("<line class=\"grid\" x1=\"{0:F1}\" x2=\"{0:F1}\" y1=\"0\" y2=\"{1:F0}\"/>"
                         "<text x=\"{0:F1}\" y=\"{2:F0}\" text-anchor=\"middle\">{3}</text>\n",
                         x(i * step), height, height + 14, i == 0 ? "0" : formatSeconds(i * step));
}

static llvm::StringRef classOf(llvm::StringRef phase) {
  return phase.starts_with("input")    ? "input"
         : phase.starts_with("weight") ? "weight"
         : phase == "optimizer"        ? "optimizer"
                                       : "forward";
}

void Page::printBar(const PartitionSpan &first, double stop, int count, double top) {
  const bool isKnown = first.op >= 0 && size_t(first.op) < answer.ops.size();
  std::string title = first.label.empty() ? "transfer between stages" : first.label;
  if (count > 1)
    title = llvm::formatv("{0} {1}", count, first.isCommunication ? "collectives" : "operations");
  else if (isKnown) {
    const PartitionedOp &op = answer.ops[first.op];
    title = op.kind + (op.node.empty() ? "" : " '" + op.node + "'") + ", " + op.strategy;
  }
  out << llvm::formatv(
      "<rect class=\"{0}\" x=\"{1:F2}\" y=\"{2:F1}\" width=\"{3:F2}\" height=\"{4:F0}\"><title>{5}: {6}"
      "</title></rect>\n",
      first.isCommunication ? "comm" : classOf(first.phase), x(first.start), top,
      std::max(0.3, x(stop) - x(first.start) - 0.15), lane, escape(title), formatSeconds(stop - first.start));
}

/// Bars that cannot be told apart are one.
void Page::printLane(int stage, bool isCommunication, double top) {
  constexpr double apart = 0.6, wide = 2.5; // pixels
  const PartitionSpan *first = nullptr;
  double stop = 0;
  int count = 0;
  auto flush = [&] {
    if (first)
      printBar(*first, stop, count, top);
    first = nullptr;
  };
  auto classOfSpan = [&](const PartitionSpan &span) {
    return isCommunication ? llvm::StringRef() : classOf(span.phase);
  };
  for (const PartitionSpan &span : answer.spans) {
    if (span.stage != stage || span.isCommunication != isCommunication)
      continue;
    if (first && (x(span.start) - x(stop) > apart || classOfSpan(span) != classOfSpan(*first) ||
                  (x(span.end) - x(span.start) > wide)))
      flush();
    if (!first) {
      first = &span;
      count = 0;
    }
    stop = span.end;
    ++count;
    if (x(stop) - x(first->start) > wide && count == 1)
      flush();
  }
  flush();
}

void Page::printGantt() {
  const int stages = answer.parallel.stages;
  const double row = 2 * lane + 14, height = stages * row + 4;
  out << "<h2>Who does what when</h2><p><span class=\"key\" style=\"background:#3b73b9;margin-left:0\"></span>kernels"
         "<span class=\"key\" style=\"background:#d9534f\"></span>collectives and transfers";
  if (llvm::any_of(answer.ops, [](const PartitionedOp &op) { return op.phase != "forward"; }))
    out << "<span class=\"key\" style=\"background:#58a182\"></span>gradients of inputs"
           "<span class=\"key\" style=\"background:#9a6fb8\"></span>gradients of weights"
           "<span class=\"key\" style=\"background:#b8893b\"></span>optimizer";
  out << ". Devices of a stage do the same.</p>\n";
  out << llvm::formatv("<svg viewBox=\"0 0 1100 {0:F0}\" role=\"img\">\n", height + 20);
  printAxis(height);
  for (int stage = 0; stage < stages; ++stage) {
    const double top = stage * row + 4;
    out << llvm::formatv("<text x=\"0\" y=\"{0:F0}\">{1}</text>\n", top + lane + 5, ranksOf(answer, stage));
    out << llvm::formatv("<rect class=\"frame\" x=\"{0:F0}\" y=\"{1:F0}\" width=\"{2:F0}\" height=\"{3:F0}\"/>\n", left,
                         top, right - left, 2 * lane + 2);
    printLane(stage, false, top);
    printLane(stage, true, top + lane + 2);
  }
  out << "</svg>\n";
}

void Page::printLevels(int stage, double top, double height, double most) {
  auto y = [&](double bytes) { return top + height - height * bytes / most; };
  std::string path = llvm::formatv("M{0:F1} {1:F1}", left, top + height);
  double last = 0;
  for (const PartitionLevel &level : answer.memory[stage]) {
    const double at = x(std::min(level.time, end));
    path += llvm::formatv("L{0:F1} {1:F1}L{0:F1} {2:F1}", at, y(last), y(double(level.bytes)));
    last = double(level.bytes);
  }
  path += llvm::formatv("L{0:F1} {1:F1}L{0:F1} {2:F1}Z", right, y(last), top + height);
  out << "<path class=\"level\" d=\"" << path << "\"/>\n";
  const double weights = double(answer.weightBytes[stage]);
  out << llvm::formatv(
      "<rect class=\"held\" x=\"{0:F0}\" y=\"{1:F1}\" width=\"{2:F0}\" height=\"{3:F1}\"><title>weights: "
      "{4}</title></rect>\n",
      left, y(weights), right - left, height * weights / most, formatBytes(uint64_t(weights)));
  out << llvm::formatv("<text x=\"0\" y=\"{0:F0}\">{1}</text><text x=\"0\" y=\"{2:F0}\">peak {3}</text>\n",
                       top + height / 2 - 4, ranksOf(answer, stage), top + height / 2 + 12,
                       formatBytes(uint64_t(answer.peakBytes[stage])));
}

void Page::printMemory() {
  constexpr double height = 70, row = height + 16;
  const int stages = answer.parallel.stages;
  const double peak = std::max(1.0, double(*std::max_element(answer.peakBytes.begin(), answer.peakBytes.end())));
  const bool showsLimit = double(answer.capacity) < 3 * peak;
  const double most = 1.05 * (showsLimit ? std::max(peak, double(answer.capacity)) : peak);
  out << "<h2>Memory of a device</h2><p>Dark: weights. Light: values that are held besides. A device has "
      << formatBytes(uint64_t(answer.capacity)) << (showsLimit ? " (dashed)" : "") << ".</p>\n";
  out << llvm::formatv("<svg viewBox=\"0 0 1100 {0:F0}\" role=\"img\">\n", stages * row + 20);
  printAxis(stages * row);
  for (int stage = 0; stage < stages; ++stage) {
    const double top = stage * row + 6;
    printLevels(stage, top, height, most);
    if (showsLimit)
      out << llvm::formatv("<line class=\"limit\" x1=\"{0:F0}\" x2=\"{1:F0}\" y1=\"{2:F1}\" y2=\"{2:F1}\"/>\n", left,
                           right, top + height - height * double(answer.capacity) / most);
  }
  out << "</svg>\n";
}

void Page::printOps() {
  out << "<h2>How operations are split, and why</h2><p>dimN: that dimension of the result is split; sumN: a sum over "
         "that dimension of an operand. The next best is what the operation alone would cost more.</p>\n"
         "<div class=\"scroll\"><table><tr><th class=\"n\">ops</th><th>kind</th><th>first</th><th>strategy</th>"
         "<th class=\"n\">kernel</th><th class=\"n\">combine</th><th class=\"n\">reshard</th><th>next best</th></tr>\n";
  for (const OpGroup &group : groupOps(answer)) {
    const PartitionedOp &op = group.first;
    out << "<tr><td class=\"n\">" << group.count << "</td><td>" << escape(op.kind)
        << (op.phase == "forward" ? "" : " (" + op.phase + ")") << "</td><td class=\"name\">" << escape(op.node)
        << "</td><td>" << escape(op.strategy) << "</td><td class=\"n\">" << formatSeconds(op.compute)
        << "</td><td class=\"n\">" << formatSeconds(op.reduction) << "</td><td class=\"n\">"
        << formatSeconds(op.resharding) << "</td><td>" << escape(describeAlternative(op)) << "</td></tr>\n";
  }
  out << "</table></div>\n";
}

void Page::printTried() {
  if (answer.tried.empty())
    return;
  out << "<h2>What else was tried</h2><table><tr><th>form</th><th>why it was not taken</th></tr>\n";
  for (const TriedParallel &other : answer.tried)
    out << "<tr><td>" << escape(other.parallel.str()) << "</td><td>" << escape(other.why) << "</td></tr>\n";
  out << "</table>\n";
}

void Page::print(llvm::StringRef title) {
  printHead(title);
  out << "<h1>" << escape(title) << "</h1>\n";
  printSummary();
  printGantt();
  printMemory();
  printOps();
  printTried();
  out << "</body></html>\n";
}

void tools::printPage(const PartitionAnswer &answer, llvm::StringRef title, llvm::raw_ostream &out) {
  Page(answer, out).print(title);
}
