//===- Options.cpp - How a model is to be compressed -----------------------===//
#include "tenon/Compress/Options.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <array>

using llvm::StringRef;

namespace tenon::compress {

template <typename T>
using Names = llvm::ArrayRef<std::pair<llvm::StringLiteral, T>>;

static constexpr std::array<std::pair<llvm::StringLiteral, Quantization>, 7> quantizationNames = {
    {{"none", Quantization::None},
     {"int8", Quantization::Int8},
     {"int8-dynamic", Quantization::Int8Dynamic},
     {"int8-weights", Quantization::Int8Weights},
     {"int4", Quantization::Int4},
     {"fp8", Quantization::Fp8},
     {"fp8-e5m2", Quantization::Fp8E5M2}}};
static constexpr std::array<std::pair<llvm::StringLiteral, Rounding>, 3> roundingNames = {
    {{"nearest", Rounding::Nearest}, {"gptq", Rounding::Gptq}, {"awq", Rounding::Awq}}};
static constexpr std::array<std::pair<llvm::StringLiteral, PruneMethod>, 3> pruneMethodNames = {
    {{"magnitude", PruneMethod::Magnitude}, {"wanda", PruneMethod::Wanda}, {"sparsegpt", PruneMethod::SparseGpt}}};
static constexpr std::array<std::pair<llvm::StringLiteral, RangeMethod>, 4> rangeNames = {
    {{"minmax", RangeMethod::MinMax},
     {"percentile", RangeMethod::Percentile},
     {"entropy", RangeMethod::Entropy},
     {"mse", RangeMethod::MeanSquare}}};

static Status refuse(StringRef option, StringRef text, StringRef remedy) {
  return Status::error("TN9003", ("--" + option + ": '" + text + "' is not known").str(), "", remedy.str());
}

template <typename T>
static std::optional<T> find(Names<T> names, StringRef text) {
  for (const auto &[name, value] : names)
    if (name == text)
      return value;
  return std::nullopt;
}

template <typename T>
static StringRef nameOf(Names<T> names, T value) {
  for (const auto &entry : names)
    if (entry.second == value)
      return entry.first;
  return "";
}

template <typename T>
static Status parse(StringRef option, Names<T> names, StringRef text, T &value) {
  if (auto found = find(names, text)) {
    value = *found;
    return Status::success();
  }
  std::string all;
  for (const auto &entry : names)
    all += (all.empty() ? "" : ", ") + entry.first.str();
  return refuse(option, text, "choose among " + all);
}

Status parseQuantization(StringRef text, Options &options) {
  auto [name, group] = text.split(':');
  TENON_RETURN_IF_ERROR(parse<Quantization>("quantize", quantizationNames, name, options.quantization));
  if (group.empty() && !text.contains(':'))
    return Status::success();
  if (options.quantization != Quantization::Int4 || group.getAsInteger(10, options.group) ||
      !llvm::is_contained({32, 64, 128}, options.group))
    return refuse("quantize", text, "int4 has groups of 32, 64 or 128: int4:64");
  return Status::success();
}

/// A number strictly between 0 and 1.
static bool parseShare(StringRef text, double &share) { return !text.getAsDouble(share) && share > 0 && share < 1; }

Status parsePruning(StringRef text, Options &options) {
  Pruning &pruning = options.pruning;
  auto [name, number] = text.split(':');
  if (text == "none") {
    pruning = {};
    return Status::success();
  }
  pruning.kind = name == "magnitude"  ? Pruning::Kind::Share
                 : name == "channels" ? Pruning::Kind::Channels
                                      : Pruning::Kind::Pattern;
  const bool isRight = pruning.kind == Pruning::Kind::Pattern ? text == "2:4" : parseShare(number, pruning.share);
  return isRight ? Status::success() : refuse("prune", text, "choose among 2:4, magnitude:0.5 and channels:0.5");
}

Status parseRounding(StringRef text, Options &options) {
  return parse<Rounding>("rounding", roundingNames, text, options.rounding.emplace());
}

Status parsePruneMethod(StringRef text, Options &options) {
  return parse<PruneMethod>("prune-method", pruneMethodNames, text, options.pruneMethod.emplace());
}

Status parseRange(StringRef text, Options &options) {
  auto [name, number] = text.split(':');
  TENON_RETURN_IF_ERROR(parse<RangeMethod>("range", rangeNames, name, options.range.emplace()));
  if (number.empty() && !text.contains(':'))
    return Status::success();
  if (options.range != RangeMethod::Percentile || number.getAsDouble(options.percentile) ||
      !(options.percentile > 50) || !(options.percentile <= 100))
    return refuse("range", text, "a percentile is above 50 and at most 100: percentile:99.9");
  return Status::success();
}

Status Options::check() const {
  auto refuse = [](const char *reason, const char *remedy) { return Status::error("TN9003", reason, "", remedy); };
  const bool hasRanges =
      quantization == Quantization::Int8 || quantization == Quantization::Fp8 || quantization == Quantization::Fp8E5M2;
  const bool roundsWeights =
      hasRanges || quantization == Quantization::Int8Weights || quantization == Quantization::Int4;
  if (rounding && !roundsWeights)
    return refuse("--rounding says how weights are rounded, and none are so", "add --quantize=int4, or leave it out");
  if (rounding == Rounding::Awq && hasRanges)
    return refuse("--rounding=awq is for weights alone", "take gptq, or --quantize=int4 or int8-weights");
  if (range && !hasRanges)
    return refuse("--range says how ranges of values are found, and none are",
                  "add --quantize=int8 or fp8, or leave it out");
  if (pruneMethod && pruning.kind != Pruning::Kind::Pattern && pruning.kind != Pruning::Kind::Share)
    return refuse("--prune-method says which single weights go, and none do", "add --prune=2:4 or magnitude:SHARE");
  if (merges && !keep.empty())
    return refuse("--keep does not hold for --merge, which works on several nodes at once", "leave one of them out");
  return Status::success();
}

std::string describe(const Options &options) {
  std::vector<std::string> parts;
  if (options.merges)
    parts.push_back("merge");
  if (options.lowRank > 0)
    parts.push_back(llvm::formatv("low-rank {0}", options.lowRank));
  if (options.pruning.kind != Pruning::Kind::None) {
    const Pruning &p = options.pruning;
    parts.push_back(p.kind == Pruning::Kind::Pattern ? "2:4"
                    : p.kind == Pruning::Kind::Share ? llvm::formatv("magnitude:{0}", p.share).str()
                                                     : llvm::formatv("channels:{0}", p.share).str());
    if (options.pruneMethod && p.kind != Pruning::Kind::Channels)
      parts.back() += " " + nameOf<PruneMethod>(pruneMethodNames, *options.pruneMethod).str();
  }
  if (options.quantization != Quantization::None) {
    parts.push_back(nameOf<Quantization>(quantizationNames, options.quantization).str());
    if (options.quantization == Quantization::Int4)
      parts.back() += ":" + std::to_string(options.group);
    if (options.rounding)
      parts.back() += " " + nameOf<Rounding>(roundingNames, *options.rounding).str();
  }
  if (options.precision != Precision::Full)
    parts.push_back(getName(options.precision).str());
  return parts.empty() ? "none" : llvm::join(parts, ", ");
}

} // namespace tenon::compress
