//===- PartitionTable.cpp - A partition as text and as JSON ---------------===//
#include "PartitionTable.h"

#include "common/Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <map>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

std::string tools::formatSeconds(double seconds) {
  static constexpr const char *units[] = {"s", "ms", "us", "ns"};
  if (seconds == 0)
    return "0";
  size_t unit = 0;
  while (seconds < 0.9995 && unit + 1 < std::size(units)) {
    seconds *= 1000;
    ++unit;
  }
  const int digits = seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0;
  return llvm::formatv("{0} {1}", llvm::format("%.*f", digits, seconds), units[unit]);
}

static double secondsOf(const PartitionedOp &op) { return op.compute + op.reduction + op.resharding; }

std::vector<OpGroup> tools::groupOps(const PartitionAnswer &answer) {
  std::vector<OpGroup> groups;
  std::map<std::tuple<std::string, std::string, std::string, std::string, int, long>, size_t> known;
  for (const PartitionedOp &op : answer.ops) {
    const double seconds = secondsOf(op);
    const long size = seconds > 0 ? std::lround(4 * std::log2(seconds)) : 0; // within a fifth
    auto [entry, isNew] =
        known.try_emplace({op.kind, op.phase, op.strategy, op.alternative, op.stage, size}, groups.size());
    if (isNew)
      groups.push_back({op});
    ++groups[entry->second].count;
    groups[entry->second].seconds += seconds;
  }
  return groups;
}

std::string tools::ranksOf(const PartitionAnswer &answer, int stage) {
  const int64_t size = answer.parallel.devices() / answer.parallel.stages, first = stage * size;
  return size == 1 ? llvm::formatv("rank {0}", first).str()
                   : llvm::formatv("ranks {0} to {1}", first, first + size - 1).str();
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static json::Value figure(double seconds) { return std::isfinite(seconds) ? json::Value(seconds) : nullptr; }

static json::Object toJson(const PartitionedOp &op) {
  json::Object object{{"node", json::fixUTF8(op.node)},
                      {"kind", op.kind},
                      {"phase", op.phase},
                      {"strategy", op.strategy},
                      {"stage", op.stage},
                      {"flops", op.flops},
                      {"share", op.share},
                      {"compute_seconds", op.compute},
                      {"reduction_seconds", op.reduction},
                      {"resharding_seconds", op.resharding}};
  if (!op.alternative.empty())
    object["alternative"] = json::Object{{"strategy", op.alternative}, {"extra_seconds", figure(op.alternativeExtra)}};
  return object;
}

json::Object tools::toJson(const PartitionAnswer &answer) {
  json::Array stages, ops, tried;
  const int64_t size = answer.parallel.devices() / answer.parallel.stages;
  for (int stage = 0; stage < answer.parallel.stages; ++stage) {
    json::Array ranks;
    for (int64_t rank = 0; rank < size; ++rank)
      ranks.push_back(stage * size + rank);
    stages.push_back(json::Object{{"ranks", std::move(ranks)},
                                  {"seconds", answer.stageSeconds[stage]},
                                  {"transfer_seconds", answer.transfer[stage]},
                                  {"weight_bytes", answer.weightBytes[stage]},
                                  {"peak_bytes", answer.peakBytes[stage]}});
  }
  for (const PartitionedOp &op : answer.ops)
    ops.push_back(::toJson(op));
  for (const TriedParallel &other : answer.tried)
    tried.push_back(json::Object{{"parallel", other.parallel.str()},
                                 {"seconds", figure(other.seconds)},
                                 {"bound", figure(other.bound)},
                                 {"why", other.why}});
  json::Object shares;
  for (size_t axis = 0; axis < answer.shares.size(); ++axis)
    if (!answer.shares[axis].empty())
      shares[answer.parallel.axes[axis].name] = json::Array(answer.shares[axis]);
  return json::Object{{"parallel", answer.parallel.str()},
                      {"shares", std::move(shares)},
                      {"devices", answer.parallel.devices()},
                      {"seconds", answer.seconds},
                      {"bound", answer.bound},
                      {"gap", answer.gap()},
                      {"strategy_gap", answer.strategyGap},
                      {"microbatches", answer.microbatches},
                      {"bottleneck_seconds", answer.bottleneck},
                      {"capacity_bytes", answer.capacity},
                      {"stages", std::move(stages)},
                      {"ops", std::move(ops)},
                      {"tried", std::move(tried)}};
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string tools::describeAlternative(const PartitionedOp &op) {
  constexpr double same = 1e-12;
  if (op.isPinned)
    return "asked for";
  if (op.alternative.empty())
    return "no other way";
  if (!std::isfinite(op.alternativeExtra))
    return op.alternative + ": excluded";
  if (op.alternativeExtra < -same)
    return op.alternative + ": -" + formatSeconds(-op.alternativeExtra) + ", but does not fit into memory";
  return op.alternative + ": +" + formatSeconds(op.alternativeExtra < same ? 0 : op.alternativeExtra);
}

static void printOps(const PartitionAnswer &answer, llvm::raw_ostream &out) {
  constexpr double worthMentioning = 0.005; // of the whole
  double all = 0, rest = 0;
  for (const PartitionedOp &op : answer.ops)
    all += secondsOf(op);
  int others = 0;
  out << "\nWhat takes the time (dimN: that dimension of the result is split; sumN: a sum over that of an operand):\n";
  out << llvm::formatv("  {0,5} {1,-24} {2,-26} {3,9} {4,9} {5,9}  {6}\n", "ops", "kind", "strategy", "compute",
                       "combine", "reshard", "next best");
  for (const OpGroup &group : groupOps(answer)) {
    if (group.seconds < worthMentioning * all) {
      rest += group.seconds;
      others += group.count;
      continue;
    }
    const PartitionedOp &op = group.first;
    const std::string kind = op.phase == "forward" ? op.kind : op.kind + " (" + op.phase + ")";
    out << llvm::formatv("  {0,5} {1,-24} {2,-26} {3,9} {4,9} {5,9}  {6}", group.count, kind, op.strategy,
                         formatSeconds(op.compute), formatSeconds(op.reduction), formatSeconds(op.resharding),
                         describeAlternative(op));
    if (answer.parallel.stages > 1)
      out << ", stage " << op.stage;
    if (!op.node.empty())
      out << ", first '" << printable(op.node) << "'";
    out << '\n';
  }
  if (others)
    out << llvm::formatv("  {0,5} others take {1} together\n", others, formatSeconds(rest));
}

static std::vector<std::string> shareTexts(const PartitionAnswer &answer, size_t axis) {
  std::vector<std::string> texts;
  for (int64_t share : answer.shares[axis])
    texts.push_back(std::to_string(share));
  return texts;
}

void tools::printTable(const PartitionAnswer &answer, llvm::raw_ostream &out) {
  out << llvm::formatv("{0} on {1} device{2}: {3}, no plan below {4} (gap {5:F2} %, of the splits alone {6:F2} %)\n",
                       answer.parallel.str(), answer.parallel.devices(), answer.parallel.devices() == 1 ? "" : "s",
                       formatSeconds(answer.seconds), formatSeconds(answer.bound), 100 * answer.gap(),
                       100 * answer.strategyGap);
  for (size_t axis = 0; axis < answer.shares.size(); ++axis)
    if (!answer.shares[axis].empty())
      out << "  shares along " << answer.parallel.axes[axis].name << ": " << llvm::join(shareTexts(answer, axis), " : ")
          << '\n';
  if (answer.microbatches > 1)
    out << "  " << answer.microbatches << " microbatches\n";
  for (int stage = 0; stage < answer.parallel.stages; ++stage) {
    out << llvm::formatv("  {0}: {1}", ranksOf(answer, stage), formatSeconds(answer.stageSeconds[stage]));
    if (answer.transfer[stage] > 0)
      out << ", " << formatSeconds(answer.transfer[stage]) << " of it receiving";
    out << llvm::formatv("; weights {0}, peak {1} of {2} a device\n", formatBytes(uint64_t(answer.weightBytes[stage])),
                         formatBytes(uint64_t(answer.peakBytes[stage])), formatBytes(uint64_t(answer.capacity)));
  }
  printOps(answer, out);
  if (answer.tried.empty())
    return;
  out << "\nWhat else was tried:\n";
  for (const TriedParallel &other : answer.tried)
    out << llvm::formatv("  {0,-28} {1}\n", other.parallel.str(), other.why);
}
