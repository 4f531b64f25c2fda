//===- Timings.cpp - Measured times of tactics ----------------------------===//
#include "tenon/Cost/Timings.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <tuple>

namespace json = llvm::json;

namespace tenon::cost {
namespace {

auto identity(const Timing &t) { return std::tie(t.device, t.key, t.size, t.tactic); }

Status damaged(size_t line, const std::string &why) {
  return Status::error("TN9032", "line " + std::to_string(line) + " of the timings: " + why);
}

/// An object without objects or arrays in it: the parser recurses, so a line of brackets must not reach it.
bool isFlat(llvm::StringRef line) {
  return line.starts_with("{") && line.ends_with("}") &&
         line.drop_front().drop_back().find_first_of("[{") == llvm::StringRef::npos;
}

Expected<Timing> parseLine(llvm::StringRef line, size_t number) {
  if (line.size() > 4096 || !isFlat(line))
    return damaged(number, "expected one JSON object of plain values");
  auto value = json::parse(line);
  if (!value)
    return damaged(number, llvm::toString(value.takeError()));
  Timing timing;
  double microseconds = 0;
  json::Path::Root root("timing");
  json::ObjectMapper map(*value, root);
  if (!map || !map.map("device", timing.device) || !map.map("key", timing.key) || !map.map("tactic", timing.tactic) ||
      !map.map("problem", timing.problem) || !map.map("size", timing.size) || !map.map("median_us", microseconds) ||
      !map.map("spread", timing.spread) || !map.map("runs", timing.runs))
    return damaged(number, llvm::toString(root.getError()));
  timing.median = microseconds * 1e-6;
  if (timing.key.empty() || timing.tactic.empty() || !(timing.median > 0 && timing.median < 1e4) ||
      !(timing.spread >= 0 && timing.spread < 1e4) || timing.runs < 1 || timing.size < 0)
    return damaged(number, "a value is out of range");
  return timing;
}

json::Value toJson(const Timing &t) {
  return json::Object{{"device", json::fixUTF8(t.device)},
                      {"key", json::fixUTF8(t.key)},
                      {"tactic", json::fixUTF8(t.tactic)},
                      {"problem", json::fixUTF8(t.problem)},
                      {"size", t.size},
                      {"median_us", std::round(t.median * 1e9) * 1e-3},
                      {"spread", std::round(t.spread * 1e4) * 1e-4},
                      {"runs", t.runs}};
}

double distance(int64_t a, int64_t b) { return std::abs(std::log((double(a) + 1) / (double(b) + 1))); }

} // namespace

void Timings::add(Timing timing) {
  auto place = std::lower_bound(timings.begin(), timings.end(), timing,
                                [](const Timing &a, const Timing &b) { return identity(a) < identity(b); });
  if (place == timings.end() || identity(*place) != identity(timing))
    timings.insert(place, std::move(timing));
  else if (timing.runs >= place->runs)
    *place = std::move(timing);
}

Expected<Timings> Timings::parse(std::string_view text) {
  Timings result;
  size_t number = 0;
  for (llvm::StringRef rest = text; !rest.empty();) {
    auto [line, next] = rest.split('\n');
    rest = next;
    ++number;
    if (line = line.trim(); line.empty())
      continue;
    auto timing = parseLine(line, number);
    if (!timing)
      return timing.takeStatus();
    result.add(std::move(*timing));
  }
  return result;
}

Expected<Timings> Timings::read(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true, /*RequiresNullTerminator=*/false);
  if (!file)
    return Status::error("TN9033", "the timings '" + path + "' cannot be read: " + file.getError().message());
  return parse((*file)->getBuffer());
}

std::string Timings::text() const {
  std::string lines;
  for (const Timing &timing : timings)
    lines += llvm::formatv("{0}\n", toJson(timing)).str();
  return lines;
}

/// The entries of the nearest size.
std::vector<const Timing *> Timings::find(std::string_view device, std::string_view key, int64_t size) const {
  std::vector<const Timing *> known;
  for (const Timing &timing : timings) {
    if (timing.device != device || timing.key != key)
      continue;
    double nearest = known.empty() ? HUGE_VAL : distance(known.front()->size, size), here = distance(timing.size, size);
    if (here < nearest)
      known.clear();
    if (here <= nearest)
      known.push_back(&timing);
  }
  return known;
}

std::string Timings::explain(std::string_view device, std::string_view key, int64_t size) const {
  std::vector<const Timing *> known = find(device, key, size);
  llvm::sort(known, [](const Timing *a, const Timing *b) {
    return std::tie(a->median, a->tactic) < std::tie(b->median, b->tactic);
  });
  std::string text;
  for (const Timing *timing : known)
    text += llvm::formatv("{0}{1} {2:F1} us", text.empty() ? "" : ", ", timing->tactic, timing->median * 1e6).str();
  return text;
}

std::string Timings::choose(std::string_view device, std::string_view key, int64_t size, std::string_view standard,
                            const std::function<bool(std::string_view)> &isOffered) const {
  std::vector<const Timing *> known = find(device, key, size);
  const Timing *best = nullptr, *usual = nullptr;
  for (const Timing *timing : known) {
    if (isOffered && !isOffered(timing->tactic))
      continue;
    if (!best || timing->median < best->median)
      best = timing;
    if (timing->tactic == standard)
      usual = timing;
  }
  if (!best)
    return {};
  if (usual && best->median * (1 + best->spread) >= usual->median * (1 - usual->spread))
    return std::string(standard);
  return best->tactic;
}

} // namespace tenon::cost
