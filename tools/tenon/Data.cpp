//===- Data.cpp - tenon data ----------------------------------------------===//
//
// Subcommands on data sets: what is in one, its hash, a part of it, two parts of it.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "common/Codes.h"
#include "common/Inputs.h"
#include "common/Random.h"
#include "common/Report.h"
#include "tenon/Data/Dataset.h"
#include "tenon/Data/Samples.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include <numeric>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

static constexpr llvm::StringLiteral operand = "DIR|FILE";

static json::Object toJson(const data::FieldSummary &field) {
  json::Object entry{{"name", json::fixUTF8(field.name)}, {"type", elementName(field.type).data()}};
  if (field.isRanked)
    entry["dims"] = json::Array(field.dims);
  if (field.isNumber && field.values != 0) {
    entry["min"] = field.min;
    entry["max"] = field.max;
    entry["mean"] = field.mean;
  }
  entry["values"] = field.values;
  entry["non_finite"] = field.nonFinite;
  return entry;
}

static void print(const data::FieldSummary &field) {
  std::string dims;
  for (int64_t dim : field.dims)
    dims += (dims.empty() ? "" : "x") + (dim < 0 ? std::string("?") : std::to_string(dim));
  llvm::outs() << "  " << llvm::left_justify(field.name.empty() ? "(array)" : printable(field.name), 24)
               << elementName(field.type) << ' ' << (field.isRanked ? dims.empty() ? "scalar" : dims : "any rank");
  if (field.isNumber && field.values != 0)
    llvm::outs() << llvm::format("  from %g to %g, mean %g", field.min, field.max, field.mean);
  if (field.nonFinite != 0)
    llvm::outs() << "  " << field.nonFinite << " infinite or NaN";
  llvm::outs() << '\n';
}

static int runInspectData(Arguments arguments) {
  Report report;
  CommandLine line("data inspect", operand, "Lists the arrays of a data set: extents of a sample, types, ranges.");
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  auto summary = data::summarizeData(line.operand());
  if (!summary)
    return report.fail(summary.takeStatus());
  json::Array fields;
  for (const data::FieldSummary &field : summary->fields)
    fields.push_back(toJson(field));
  if (!report.json()) {
    llvm::outs() << summary->samples << " samples in " << summary->files << (summary->files == 1 ? " file" : " files")
                 << '\n';
    for (const data::FieldSummary &field : summary->fields)
      print(field);
    llvm::outs() << "sha256 " << summary->hash << '\n';
  }
  return report.finish(json::Object{{"samples", summary->samples},
                                    {"files", summary->files},
                                    {"arrays", std::move(fields)},
                                    {"hash", summary->hash}});
}

static int runHashData(Arguments arguments) {
  Report report;
  CommandLine line("data hash", operand,
                   "SHA-256 over names, types, extents and contents of a data set, however its files are packed.");
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  auto hash = data::hashData(line.operand());
  if (!hash)
    return report.fail(hash.takeStatus());
  if (!report.json())
    llvm::outs() << *hash << '\n';
  return report.finish(json::Object{{"hash", *hash}});
}

/// `chosen` of the numbers below `count`, drawn without replacement, in ascending order; and the others.
static std::pair<std::vector<int64_t>, std::vector<int64_t>> draw(int64_t count, int64_t chosen, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed);
  for (int64_t i = 0; i < chosen; ++i)
    std::swap(order[size_t(i)], order[size_t(random.between(i, count - 1))]);
  std::pair<std::vector<int64_t>, std::vector<int64_t>> result;
  result.first.assign(order.begin(), order.begin() + chosen);
  result.second.assign(order.begin() + chosen, order.end());
  llvm::sort(result.first);
  llvm::sort(result.second);
  return result;
}

static Status tooFew(int64_t count, const llvm::Twine &wanted) {
  return Status::error("TN9003", ("there are " + llvm::Twine(count) + " samples, " + wanted).str(), "",
                       "see how many there are with `tenon data inspect`");
}

/// The path without links and dots up to its last name, which need not exist.
static std::string makeCanonical(llvm::StringRef path) {
  const llvm::StringRef folder = llvm::sys::path::parent_path(path);
  llvm::SmallString<128> result;
  if (llvm::sys::fs::real_path(folder.empty() ? "." : folder, result))
    return path.str();
  llvm::sys::path::append(result, llvm::sys::path::filename(path));
  return result.str().str();
}

static bool isSameFile(llvm::StringRef left, llvm::StringRef right) {
  return llvm::sys::fs::equivalent(left, right) || makeCanonical(left) == makeCanonical(right);
}

/// Refuses outputs that would replace data that are read, or each other, or that no reader would take for an .npz.
static Status checkOutputs(const std::string &input, llvm::ArrayRef<std::string> outputs) {
  auto refuse = [](const std::string &output, const std::string &why) {
    return Status::error("TN9003", "-o '" + output + "' " + why, "", "choose another name, OUT.npz");
  };
  auto files = data::listDataFiles(input);
  if (!files)
    return files.takeStatus();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string &output = outputs[i];
    if (!llvm::StringRef(output).ends_with_insensitive(".npz"))
      return refuse(output, "does not end in .npz");
    TENON_RETURN_IF_ERROR(checkOutput(output));
    const llvm::StringRef folder = llvm::sys::path::parent_path(output);
    if (llvm::sys::fs::equivalent(folder.empty() ? "." : folder, input) ||
        llvm::any_of(*files, [&](const std::string &file) { return isSameFile(file, output); }))
      return refuse(output, "is in the data set that is read");
    for (const std::string &other : outputs.take_front(i))
      if (isSameFile(other, output))
        return refuse(output, "is the file '" + other + "' of the other -o");
  }
  return Status::success();
}

static int runSubsetData(Arguments arguments) {
  std::string output;
  int64_t count = 0, seed = 0;
  Report report;
  CommandLine line("data subset", operand, "Draws samples without replacement, and writes them in their order.");
  line.text("o", "OUT.npz", "the file to write", output);
  line.number("count", "how many samples", count, 1, INT64_MAX);
  line.number("seed", "of the choice; default 0", seed, 0, INT64_MAX);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  if (output.empty() || count == 0)
    return report.fail(Status::error("TN9002", "-o and --count are needed", "", "see `tenon data subset --help`"));
  if (Status checked = checkOutputs(line.operand(), output); !checked.ok())
    return report.fail(checked);
  auto present = data::countSamples(line.operand());
  if (!present)
    return report.fail(present.takeStatus());
  if (count > *present)
    return report.fail(tooFew(*present, "not " + llvm::Twine(count)));
  const data::SamplePart part{draw(*present, count, uint64_t(seed)).first, output};
  if (Status written = data::writeSamples(line.operand(), {&part, 1}); !written.ok())
    return report.fail(written);
  return report.finish(json::Object{{"samples", count}, {"of", *present}, {"file", json::fixUTF8(output)}});
}

static int runSplitData(Arguments arguments) {
  std::vector<std::string> outputs;
  double fraction = 0.5;
  int64_t seed = 0;
  Report report;
  CommandLine line("data split", operand, "Divides the samples at random into two files.");
  line.texts("o", "OUT.npz", "the files to write: two", outputs);
  line.real("fraction", "0.8", "how many of the samples go into the first file; default 0.5", fraction);
  line.number("seed", "of the choice; default 0", seed, 0, INT64_MAX);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  if (outputs.size() != 2)
    return report.fail(Status::error("TN9002", "two different -o are needed", "", "see `tenon data split --help`"));
  if (fraction > 1)
    return report.fail(Status::error("TN9003", "--fraction is above 1", "", "give a number from 0 to 1"));
  if (Status checked = checkOutputs(line.operand(), outputs); !checked.ok())
    return report.fail(checked);
  auto present = data::countSamples(line.operand());
  if (!present)
    return report.fail(present.takeStatus());
  if (*present < 2)
    return report.fail(tooFew(*present, "a split needs 2"));
  const int64_t first = std::clamp<int64_t>(std::llround(fraction * double(*present)), 1, *present - 1);
  auto [chosen, others] = draw(*present, first, uint64_t(seed));
  const data::SamplePart parts[] = {{std::move(chosen), outputs[0]}, {std::move(others), outputs[1]}};
  if (Status written = data::writeSamples(line.operand(), parts); !written.ok())
    return report.fail(written);
  return report.finish(json::Object{{"samples", json::Array{first, *present - first}},
                                    {"files", json::Array{json::fixUTF8(outputs[0]), json::fixUTF8(outputs[1])}}});
}

int tools::runData(Arguments arguments) {
  struct Subcommand {
    llvm::StringLiteral name, summary;
    int (*run)(Arguments);
  };
  static constexpr Subcommand subcommands[] = {
      {"inspect", "what is in a data set", runInspectData},
      {"hash", "SHA-256 of what is in it", runHashData},
      {"subset", "some of its samples as one file", runSubsetData},
      {"split", "its samples as two files", runSplitData},
  };
  const llvm::StringRef name = arguments.empty() ? "" : arguments.front();
  for (const Subcommand &each : subcommands)
    if (name == each.name)
      return each.run(arguments.drop_front());
  const bool isHelp = name == "--help" || name == "-h" || name.empty();
  if (isHelp) {
    llvm::raw_ostream &out = name.empty() ? llvm::errs() : llvm::outs();
    out << "usage: tenon data COMMAND DIR|FILE [ARGUMENT...]\n\n";
    for (const Subcommand &each : subcommands)
      out << "  " << llvm::left_justify(each.name, 10) << each.summary << '\n';
    out << "\nA data set is a .npz, a .npy, or a folder of .npz, .npy or images.\n";
    return name.empty() ? ExitUsage : ExitOk;
  }
  return Report().fail(
      Status::error("TN9002", "there is no command 'data " + name.str() + "'", "", "see `tenon data --help`"));
}
