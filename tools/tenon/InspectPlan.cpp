//===- InspectPlan.cpp - What is in a plan --------------------------------===//
#include "Inspect.h"
#include "common/Report.h"
#include "tenon/Plan/ArenaPlacement.h"
#include "tenon/Plan/ShapeProgram.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/Session.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
/// What the launches of one kernel add up to.
struct KernelTotals {
  int64_t launches = 0, flops = 0, traffic = 0;
};

/// The entry function at one set of input extents.
struct Sizes {
  std::vector<std::vector<int64_t>> inputs;
  std::vector<int64_t> values;
  int64_t arena = 0;
};
} // namespace

/// FlatBuffers leaves absent vectors null.
template <typename T>
static unsigned sizeOf(const T *vector) {
  return vector ? vector->size() : 0;
}

static std::string text(const flatbuffers::String *string) {
  return string ? json::fixUTF8(llvm::StringRef(string->c_str(), string->size())) : "";
}

static json::Array texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *strings) {
  json::Array out;
  for (unsigned i = 0; i < sizeOf(strings); ++i)
    out.push_back(text(strings->Get(i)));
  return out;
}

static json::Array describeTensors(const std::vector<runtime::TensorInfo> &infos) {
  json::Array out;
  for (const runtime::TensorInfo &info : infos) {
    json::Array dims;
    for (size_t k = 0; k < info.dims.size(); ++k) {
      if (info.dims[k] >= 0)
        dims.push_back(info.dims[k]);
      else
        dims.push_back(info.dimNames[k].empty() ? "?" : json::fixUTF8(info.dimNames[k]));
    }
    out.push_back(json::Object{
        {"name", json::fixUTF8(info.name)}, {"type", elementName(info.type).data()}, {"dims", std::move(dims)}});
  }
  return out;
}

/// Extents of the inputs, without making their tensors.
static Expected<Sizes> evaluate(const plan::Function &function, const std::vector<runtime::TensorInfo> &infos,
                                const ShapeSet &shapes) {
  auto dims = completeShapes(infos, shapes);
  if (!dims)
    return dims.takeStatus();
  Sizes sizes;
  sizes.inputs = std::move(*dims);
  TENON_RETURN_IF_ERROR(plan::evaluateShapes(function, sizes.inputs, sizes.values));
  std::vector<plan::ArenaItem> items;
  for (unsigned i = 0; i < sizeOf(function.buffers()); ++i) {
    const plan::Buffer &buffer = *function.buffers()->Get(i);
    if (buffer.kind() == plan::BufferKind::Arena)
      items.push_back({sizes.values[buffer.bytes()], buffer.first_record(), buffer.last_record(), buffer.offset()});
  }
  sizes.arena = plan::placeArena(items);
  return sizes;
}

static std::vector<KernelTotals> addUp(const plan::Plan &plan, const plan::Function &function, const Sizes &sizes) {
  std::vector<KernelTotals> totals(sizeOf(plan.kernels()));
  auto add = [&](int64_t &sum, uint32_t value) {
    if (value < sizes.values.size())
      sum += sizes.values[value];
  };
  for (unsigned i = 0; i < sizeOf(function.records()); ++i) {
    const plan::Launch *launch = function.records()->Get(i)->operation_as_Launch();
    if (!launch)
      continue;
    KernelTotals &total = totals[launch->kernel()];
    ++total.launches;
    add(total.flops, launch->flops());
    add(total.traffic, launch->traffic());
  }
  return totals;
}

static json::Object describeRank(const plan::Plan &plan, const std::vector<KernelTotals> &totals, bool kernels) {
  json::Array list;
  int64_t flops = 0, traffic = 0, launches = 0;
  for (size_t i = 0; i < totals.size(); ++i) {
    flops += totals[i].flops;
    traffic += totals[i].traffic;
    launches += totals[i].launches;
    const plan::Kernel &kernel = *plan.kernels()->Get(unsigned(i));
    list.push_back(json::Object{{"name", text(kernel.name())},
                                {"launches", totals[i].launches},
                                {"flops", totals[i].flops},
                                {"bytes", totals[i].traffic},
                                {"nodes", texts(kernel.nodes())}});
  }
  json::Object rank{{"rank", 0},
                    {"kernels", int64_t(totals.size())},
                    {"launches", launches},
                    {"flops", flops},
                    {"bytes", traffic},
                    {"collectives", 0}};
  if (kernels)
    rank["kernel_list"] = std::move(list);
  return rank;
}

static json::Array describeSections(const plan::Container &container) {
  json::Array sections;
  for (const plan::Section &section : container.sections())
    sections.push_back(json::Object{{"name", plan::sectionName(section.kind).data()},
                                    {"offset", int64_t(section.offset)},
                                    {"bytes", int64_t(section.length)}});
  return sections;
}

static json::Array describeCode(const plan::Plan &plan) {
  json::Array code;
  for (unsigned i = 0; i < sizeOf(plan.code()); ++i)
    code.push_back(
        json::Object{{"arch", text(plan.code()->Get(i)->arch())}, {"bytes", int64_t(plan.code()->Get(i)->length())}});
  return code;
}

Expected<json::Object> tools::describePlan(const plan::Container &container, const ShapeSet &shapes, bool kernels) {
  runtime::SessionOptions options;
  options.device = "null";
  auto session =
      runtime::Session::create(std::shared_ptr<const plan::Container>(std::shared_ptr<void>(), &container), options);
  if (!session)
    return session.takeStatus();
  const plan::Plan &plan = container.plan();
  const plan::Function &entry = *plan.functions()->Get(0);
  auto sizes = evaluate(entry, (*session)->inputs(), shapes);
  if (!sizes)
    return sizes.takeStatus();
  json::Object at;
  for (size_t i = 0; i < sizes->inputs.size(); ++i)
    at[json::fixUTF8((*session)->inputs()[i].name)] = json::Array(sizes->inputs[i]);
  json::Array ranks;
  ranks.push_back(describeRank(plan, addUp(plan, entry, *sizes), kernels));
  return json::Object{
      {"kind", "plan"},
      {"producer", text(plan.producer())},
      {"target", text(plan.target())},
      {"threads", int64_t(plan.threads())},
      {"bytes", int64_t(container.fileSize())},
      {"digest", toHex(container.digest())},
      {"inputs", describeTensors((*session)->inputs())},
      {"outputs", describeTensors((*session)->outputs())},
      {"weights", json::Object{{"count", int64_t(sizeOf(plan.weights()))},
                               {"bytes", int64_t(container.section(plan::SectionKind::Weights).size())}}},
      {"code", describeCode(plan)},
      {"sections", describeSections(container)},
      {"shapes", std::move(at)},
      {"arena_bytes", sizes->arena},
      {"ranks", std::move(ranks)},
  };
}

void tools::printTensors(llvm::StringRef title, const json::Array &tensors) {
  llvm::outs() << title << ":\n";
  for (const json::Value &value : tensors) {
    const json::Object &tensor = *value.getAsObject();
    llvm::outs() << "  " << printable(*tensor.getString("name")) << ": " << *tensor.getString("type") << " [";
    llvm::ListSeparator comma;
    for (const json::Value &dim : *tensor.getArray("dims")) {
      llvm::outs() << comma;
      if (auto fixed = dim.getAsInteger())
        llvm::outs() << *fixed;
      else
        llvm::outs() << printable(*dim.getAsString());
    }
    llvm::outs() << "]\n";
  }
}

static void printKernels(const json::Array &kernels) {
  llvm::outs() << llvm::formatv("  {0,-40} {1,8} {2,10} {3,10}  {4}\n", "kernel", "launches", "MFLOP", "MB", "nodes");
  for (const json::Value &value : kernels) {
    const json::Object &kernel = *value.getAsObject();
    std::string nodes;
    for (const json::Value &node : *kernel.getArray("nodes"))
      nodes += (nodes.empty() ? "" : ", ") + printable(*node.getAsString());
    llvm::outs() << llvm::formatv("  {0,-40} {1,8} {2,10:F3} {3,10:F3}  {4}\n", printable(*kernel.getString("name")),
                                  *kernel.getInteger("launches"), double(*kernel.getInteger("flops")) * 1e-6,
                                  double(*kernel.getInteger("bytes")) * 1e-6, nodes);
  }
}

void tools::printPlan(const json::Object &plan) {
  llvm::outs() << "plan by " << printable(*plan.getString("producer")) << " for " << *plan.getString("target") << ", "
               << formatBytes(uint64_t(*plan.getInteger("bytes"))) << '\n';
  printTensors("inputs", *plan.getArray("inputs"));
  printTensors("outputs", *plan.getArray("outputs"));
  const json::Object &weights = *plan.getObject("weights");
  llvm::outs() << "weights: " << *weights.getInteger("count") << " in "
               << formatBytes(uint64_t(*weights.getInteger("bytes"))) << "\ncode:";
  for (const json::Value &code : *plan.getArray("code"))
    llvm::outs() << ' ' << printable(*code.getAsObject()->getString("arch")) << " ("
                 << formatBytes(uint64_t(*code.getAsObject()->getInteger("bytes"))) << ')';
  llvm::outs() << "\nat";
  for (const auto &[name, dims] : *plan.getObject("shapes")) {
    llvm::SmallVector<int64_t> extents;
    for (const json::Value &dim : *dims.getAsArray())
      extents.push_back(*dim.getAsInteger());
    llvm::outs() << ' ' << printable(name) << '=' << formatDims(extents);
  }
  llvm::outs() << ": arena " << formatBytes(uint64_t(*plan.getInteger("arena_bytes"))) << '\n';
  for (const json::Value &value : *plan.getArray("ranks")) {
    const json::Object &rank = *value.getAsObject();
    llvm::outs() << llvm::formatv("rank {0}: {1} kernels, {2} launches, {3:F3} GFLOP, {4} collectives\n",
                                  *rank.getInteger("rank"), *rank.getInteger("kernels"), *rank.getInteger("launches"),
                                  double(*rank.getInteger("flops")) * 1e-9, *rank.getInteger("collectives"));
    if (const json::Array *kernels = rank.getArray("kernel_list"))
      printKernels(*kernels);
  }
}
