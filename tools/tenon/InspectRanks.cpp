//===- InspectRanks.cpp - What each rank of a plan does -------------------===//
#include "InspectRanks.h"

#include "common/Report.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

/// Kind, group, and the tensor that the rank puts in, or gets.
static json::Object describeCollective(const plan::Collective &collective, llvm::ArrayRef<int64_t> values) {
  auto list = [](const flatbuffers::Vector<uint32_t> *numbers, auto map) {
    json::Array out;
    for (unsigned i = 0; i < length(numbers); ++i)
      out.push_back(map(numbers->Get(i)));
    return out;
  };
  auto evaluate = [&](uint32_t value) { return value < values.size() ? values[value] : int64_t(0); };
  runtime::Tensor tensor{ElementType(collective.type()), {}, nullptr};
  for (unsigned i = 0; i < length(collective.dims()); ++i)
    tensor.dims.push_back(evaluate(collective.dims()->Get(i)));
  return json::Object{{"kind", plan::EnumNameCollectiveKind(collective.kind())},
                      {"type", elementName(ElementType(collective.type())).data()},
                      {"group", list(collective.group(), [](uint32_t rank) { return int64_t(rank); })},
                      {"dims", json::Array(tensor.dims)},
                      {"bytes", std::max<int64_t>(tensor.bytes(), 0)}};
}

static json::Array describeCollectives(llvm::ArrayRef<SizedFunction> functions) {
  json::Array out;
  for (const SizedFunction &sized : functions)
    for (unsigned i = 0; i < length(sized.function->records()); ++i)
      if (const auto *collective = sized.function->records()->Get(i)->operation_as_Collective())
        out.push_back(describeCollective(*collective, sized.values));
  return out;
}

/// Bytes of the weights that functions use.
static int64_t countWeights(const plan::Plan &plan, llvm::ArrayRef<SizedFunction> functions) {
  std::set<uint32_t> used;
  for (const SizedFunction &sized : functions)
    for (unsigned i = 0; i < length(sized.function->buffers()); ++i)
      if (const plan::Buffer &buffer = *sized.function->buffers()->Get(i); buffer.kind() == plan::BufferKind::Weight)
        used.insert(buffer.index());
  int64_t bytes = 0;
  for (uint32_t weight : used)
    bytes += int64_t(plan.weights()->Get(weight)->length());
  return bytes;
}

/// Sums over the kernels that the rank launches.
static json::Object describeRank(int64_t number, const plan::Plan &plan, const KernelTable &table,
                                 llvm::ArrayRef<SizedFunction> functions, bool list) {
  int64_t flops = 0, traffic = 0, launches = 0, arena = 0;
  double predicted = 0, best = 0, worst = 0;
  json::Array kernels;
  for (json::Value &value : table.describe(functions)) {
    const json::Object &kernel = *value.getAsObject();
    if (length(plan.ranks()) > 0 && *kernel.getInteger("launches") == 0) // of another rank
      continue;
    flops += *kernel.getInteger("flops");
    traffic += *kernel.getInteger("bytes");
    launches += *kernel.getInteger("launches");
    predicted += kernel.getNumber("predicted_us").value_or(0);
    best += kernel.getNumber("best_us").value_or(0);
    worst += kernel.getNumber("worst_us").value_or(0);
    kernels.push_back(std::move(value));
  }
  for (const SizedFunction &sized : functions)
    arena += sized.arena;
  json::Array collectives = describeCollectives(functions);
  json::Object rank{{"rank", number},
                    {"kernels", int64_t(kernels.size())},
                    {"launches", launches},
                    {"flops", flops},
                    {"bytes", traffic},
                    {"arena_bytes", arena},
                    {"weight_bytes", countWeights(plan, functions)},
                    {"predicted_us", predicted},
                    {"best_us", best},
                    {"worst_us", worst},
                    {"collectives", int64_t(collectives.size())}};
  if (list) {
    rank["kernel_list"] = std::move(kernels);
    rank["collective_list"] = std::move(collectives);
  }
  return rank;
}

json::Array tools::describeRanks(const plan::Plan &plan, const KernelTable &table,
                                 llvm::ArrayRef<SizedFunction> functions, bool list) {
  json::Array ranks;
  if (length(plan.ranks()) == 0)
    ranks.push_back(describeRank(0, plan, table, functions, list));
  else
    for (auto [rank, function] : llvm::enumerate(functions))
      ranks.push_back(describeRank(int64_t(rank), plan, table, function, list));
  return ranks;
}

static void printCollectives(const json::Array &collectives) {
  for (const json::Value &value : collectives) {
    const json::Object &collective = *value.getAsObject();
    auto numbers = [&](llvm::StringRef key) {
      llvm::SmallVector<int64_t> out;
      for (const json::Value &number : *collective.getArray(key))
        out.push_back(*number.getAsInteger());
      return out;
    };
    llvm::outs() << "  " << *collective.getString("kind") << " of " << *collective.getString("type") << ' '
                 << formatDims(numbers("dims")) << ", " << formatBytes(uint64_t(*collective.getInteger("bytes")))
                 << ", ranks ";
    llvm::interleaveComma(numbers("group"), llvm::outs());
    llvm::outs() << '\n';
  }
}

void tools::printRanks(const json::Array &ranks, llvm::StringRef device) {
  for (const json::Value &value : ranks) {
    const json::Object &rank = *value.getAsObject();
    llvm::outs() << llvm::formatv("rank {0}: {1} kernels, {2} launches, {3:F3} GFLOP, {4} collectives",
                                  *rank.getInteger("rank"), *rank.getInteger("kernels"), *rank.getInteger("launches"),
                                  double(*rank.getInteger("flops")) * 1e-9, *rank.getInteger("collectives"));
    if (ranks.size() > 1)
      llvm::outs() << ", arena " << formatBytes(uint64_t(*rank.getInteger("arena_bytes"))) << ", weights "
                   << formatBytes(uint64_t(*rank.getInteger("weight_bytes")));
    llvm::outs() << '\n';
    const json::Array *kernels = rank.getArray("kernel_list");
    if (!kernels)
      continue;
    printCollectives(*rank.getArray("collective_list"));
    if (!device.empty())
      llvm::outs() << llvm::formatv("predicted for {0}: {1:F1} us ({2:F1} to {3:F1})\n", printable(device),
                                    *rank.getNumber("predicted_us"), *rank.getNumber("best_us"),
                                    *rank.getNumber("worst_us"));
    printKernels(*kernels);
  }
}
