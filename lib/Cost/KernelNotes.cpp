//===- KernelNotes.cpp - The KERNELS section of a plan --------------------===//
#include "tenon/Cost/KernelNotes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

namespace json = llvm::json;

namespace tenon::cost {
namespace {

constexpr int64_t version = 1;

json::Object toJson(const ArchNeeds &needs) {
  return json::Object{{"arch", needs.arch},
                      {"registers", needs.registers},
                      {"spill_bytes", needs.spillBytes},
                      {"stack_bytes", needs.stackBytes},
                      {"shared_bytes", needs.sharedBytes}};
}

json::Object toJson(const KernelNote &note) {
  const Tactic &tactic = note.tactic;
  json::Array needs;
  for (const ArchNeeds &each : note.needs)
    needs.push_back(toJson(each));
  return json::Object{{"name", json::fixUTF8(note.name)},
                      {"tactic", json::fixUTF8(tactic.name)},
                      {"why", json::fixUTF8(tactic.why)},
                      {"family", tactic.family},
                      {"key", tactic.key},
                      {"size", note.size},
                      {"choices", tactic.choices},
                      {"unit", llvm::StringRef(unitName(tactic.unit))},
                      {"compute_factor", tactic.computeFactor},
                      {"cache_ratio", tactic.cacheRatio},
                      {"needs", std::move(needs)},
                      {"source", json::Array{int64_t(note.sourceOffset), int64_t(note.sourceLength)}}};
}

} // namespace

// llvm::json finds these by their names.

static bool fromJSON(const json::Value &value, Unit &unit, json::Path path) {
  auto text = value.getAsString();
  for (size_t i = 0; text && i < unitCount; ++i)
    if (*text == llvm::StringRef(unitName(Unit(i)))) {
      unit = Unit(i);
      return true;
    }
  path.report("expected a unit");
  return false;
}

static bool fromJSON(const json::Value &value, ArchNeeds &needs, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("arch", needs.arch) && map.map("registers", needs.registers) &&
         map.map("spill_bytes", needs.spillBytes) && map.map("stack_bytes", needs.stackBytes) &&
         map.map("shared_bytes", needs.sharedBytes);
}

/// A factor that is a positive number of sensible size.
static bool isFactor(double value) { return value > 0 && value < 1e9; }

static bool fromJSON(const json::Value &value, KernelNote &note, json::Path path) {
  json::ObjectMapper map(value, path);
  Tactic &tactic = note.tactic;
  std::vector<int64_t> source;
  if (!map || !map.map("name", note.name) || !map.map("tactic", tactic.name) || !map.map("why", tactic.why) ||
      !map.map("family", tactic.family) || !map.map("key", tactic.key) || !map.map("size", note.size) ||
      !map.mapOptional("choices", tactic.choices) || !map.map("compute_factor", tactic.computeFactor) ||
      !map.map("cache_ratio", tactic.cacheRatio) || !map.map("needs", note.needs) || !map.map("source", source))
    return false;
  const json::Value *unit = value.getAsObject()->get("unit");
  if (!unit || !fromJSON(*unit, tactic.unit, path.field("unit")))
    return path.report("expected a unit"), false;
  if (source.size() != 2 || source[0] < 0 || source[1] < 0 || !isFactor(tactic.computeFactor) ||
      !isFactor(tactic.cacheRatio))
    return path.report("a number is out of range"), false;
  note.sourceOffset = uint64_t(source[0]);
  note.sourceLength = uint64_t(source[1]);
  return true;
}

std::string toJson(const KernelNotes &notes) {
  json::Object symbols;
  for (const auto &[name, extent] : notes.symbols)
    symbols[json::fixUTF8(name)] = extent;
  json::Array kernels;
  for (const KernelNote &note : notes.kernels)
    kernels.push_back(toJson(note));
  json::Value all = json::Object{{"version", version},
                                 {"device", json::fixUTF8(notes.device)},
                                 {"symbols", std::move(symbols)},
                                 {"kernels", std::move(kernels)}};
  return llvm::formatv("{0}", all).str();
}

/// The parser recurses on what it reads: brackets outside of strings must not be nested deeper than what toJson writes.
static bool isShallow(std::string_view text) {
  int depth = 0;
  bool isText = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (isText && c == '\\')
      ++i;
    else if (c == '"')
      isText = !isText;
    else if (!isText && (c == '{' || c == '['))
      ++depth;
    else if (!isText && (c == '}' || c == ']'))
      --depth;
    if (depth > 8)
      return false;
  }
  return true;
}

Expected<KernelNotes> parseKernelNotes(std::string_view text) {
  auto refuse = [](llvm::Error error) {
    return Status::error("TN6022", "the KERNELS section is invalid: " + llvm::toString(std::move(error)));
  };
  if (!isShallow(text))
    return Status::error("TN6022", "the KERNELS section is invalid: it is nested too deeply");
  auto parsed = json::parse(llvm::StringRef(text));
  if (!parsed)
    return refuse(parsed.takeError());
  KernelNotes notes;
  json::Path::Root root("KERNELS");
  json::ObjectMapper map(*parsed, root);
  int64_t found = 0;
  if (!map || !map.map("version", found) || !map.map("device", notes.device) || !map.map("symbols", notes.symbols) ||
      !map.map("kernels", notes.kernels))
    return refuse(root.getError());
  if (found != version)
    return Status::error("TN6022", "the KERNELS section has version " + std::to_string(found) + ", this build reads 1");
  return notes;
}

} // namespace tenon::cost
