//===- InspectPlan.cpp - What is in a plan --------------------------------===//
#include "Inspect.h"
#include "InspectRanks.h"
#include "InspectScript.h"
#include "common/Report.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/Session.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {
/// The functions of a plan at one set of input extents.
struct Sizes {
  std::vector<std::vector<int64_t>> inputs; ///< of the plan; empty for what is no tensor of known rank
  std::vector<SizedFunction> functions;
};
} // namespace

static std::string text(const flatbuffers::String *string) {
  return string ? json::fixUTF8(llvm::StringRef(string->c_str(), string->size())) : "";
}

static json::Array texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *strings) {
  json::Array out;
  for (unsigned i = 0; i < length(strings); ++i)
    out.push_back(text(strings->Get(i)));
  return out;
}

static json::Array describeTensors(const std::vector<runtime::TensorInfo> &infos) {
  json::Array out;
  for (const runtime::TensorInfo &info : infos) {
    json::Array dims;
    if (!info.isRanked)
      dims.push_back("..");
    for (size_t k = 0; k < info.dims.size(); ++k) {
      if (info.dims[k] >= 0)
        dims.push_back(info.dims[k]);
      else
        dims.push_back(info.dimNames[k].empty() ? "?" : json::fixUTF8(info.dimNames[k]));
    }
    json::Object tensor{
        {"name", json::fixUTF8(info.name)}, {"type", elementName(info.type).data()}, {"dims", std::move(dims)}};
    if (info.kind == runtime::ValueKind::Sequence)
      tensor["sequence"] = true;
    if (info.isOptional)
      tensor["optional"] = true;
    out.push_back(std::move(tensor));
  }
  return out;
}

/// Extents of the inputs, without making their tensors: by default with a sample for each rank, which may split them.
static Expected<Sizes> evaluate(const plan::Plan &plan, const std::vector<runtime::TensorInfo> &infos,
                                const ShapeSet &shapes) {
  std::vector<runtime::TensorInfo> tensors;
  for (const runtime::TensorInfo &info : infos)
    if (info.kind == runtime::ValueKind::Tensor && !info.isOptional && info.isRanked)
      tensors.push_back(info);
  const unsigned count = std::max(length(plan.ranks()), 1u);
  auto dims = completeShapes(tensors, shapes, {}, count);
  if (!dims)
    return dims.takeStatus();
  Sizes sizes;
  if (!plan.script()) {
    for (unsigned rank = 0; rank < count; ++rank) {
      const unsigned function = length(plan.ranks()) ? plan.ranks()->Get(rank) : 0;
      auto sized = sizeFunction(*plan.functions()->Get(function), *dims, 1);
      if (!sized)
        return sized.takeStatus();
      sizes.functions.push_back(std::move(*sized));
    }
  } else {
    std::map<std::string, int64_t> symbols;
    for (size_t i = 0; i < tensors.size(); ++i)
      for (size_t k = 0; k < tensors[i].dims.size(); ++k)
        symbols.try_emplace(tensors[i].dimNames[k], (*dims)[i][k]);
    symbols.erase("");
    sizes.functions = sizeFunctions(plan, symbols);
  }
  size_t next = 0;
  for (const runtime::TensorInfo &info : infos)
    sizes.inputs.push_back(next < tensors.size() && tensors[next].name == info.name ? std::move((*dims)[next++])
                                                                                    : std::vector<int64_t>());
  return sizes;
}

/// Kernels of the host beside a device, and how much is copied between the two.
static json::Object describeHost(const plan::Plan &plan, const Sizes &sizes) {
  json::Array kernels;
  for (unsigned i = 0; i < length(plan.kernels()); ++i)
    if (const plan::Kernel &kernel = *plan.kernels()->Get(i); kernel.host())
      kernels.push_back(json::Object{{"name", text(kernel.name())}, {"nodes", texts(kernel.nodes())}});
  int64_t toDevice = 0, toHost = 0, copies = 0;
  for (const SizedFunction &sized : sizes.functions)
    for (unsigned i = 0; i < length(sized.function->records()); ++i) {
      const plan::Copy *copy = sized.function->records()->Get(i)->operation_as_Copy();
      if (!copy)
        continue;
      const auto kind = sized.function->buffers()->Get(copy->target()->buffer())->kind();
      ++copies;
      (kind == plan::BufferKind::Arena ? toDevice : toHost) += sized.values.empty() ? 0 : sized.values[copy->bytes()];
    }
  return json::Object{
      {"kernels", std::move(kernels)}, {"copies", copies}, {"bytes_to_device", toDevice}, {"bytes_to_host", toHost}};
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
  for (unsigned i = 0; i < length(plan.code()); ++i)
    code.push_back(
        json::Object{{"arch", text(plan.code()->Get(i)->arch())}, {"bytes", int64_t(plan.code()->Get(i)->length())}});
  return code;
}

Expected<json::Object> tools::describePlan(const plan::Container &container, const ShapeSet &shapes,
                                           const KernelWishes &kernels) {
  runtime::SessionOptions options;
  options.device = "null";
  auto session =
      runtime::Session::create(std::shared_ptr<const plan::Container>(std::shared_ptr<void>(), &container), options);
  if (!session)
    return session.takeStatus();
  const plan::Plan &plan = container.plan();
  auto sizes = evaluate(plan, (*session)->inputs(), shapes);
  if (!sizes)
    return sizes.takeStatus();
  json::Object at;
  for (size_t i = 0; i < sizes->inputs.size(); ++i)
    at[json::fixUTF8((*session)->inputs()[i].name)] = json::Array(sizes->inputs[i]);
  auto table = KernelTable::create(container, kernels.device);
  if (!table)
    return table.takeStatus();
  int64_t arena = 0; // each function keeps its own
  for (const SizedFunction &sized : sizes->functions)
    arena += sized.arena;
  return json::Object{
      {"kind", "plan"},
      {"producer", text(plan.producer())},
      {"target", text(plan.target())},
      {"threads", int64_t(plan.threads())},
      {"bytes", int64_t(container.fileSize())},
      {"digest", toHex(container.digest())},
      {"inputs", describeTensors((*session)->inputs())},
      {"outputs", describeTensors((*session)->outputs())},
      {"weights", json::Object{{"count", int64_t(length(plan.weights()))},
                               {"bytes", int64_t(container.section(plan::SectionKind::Weights).size())}}},
      {"code", describeCode(plan)},
      {"sections", describeSections(container)},
      {"shapes", std::move(at)},
      {"arena_bytes", arena},
      {"device", table->deviceTitle()},
      {"ranks", describeRanks(plan, *table, sizes->functions, kernels.list)},
      {"host", describeHost(plan, *sizes)},
      {"script", describeScript(plan)},
  };
}

void tools::printTensors(llvm::StringRef title, const json::Array &tensors) {
  llvm::outs() << title << ":\n";
  for (const json::Value &value : tensors) {
    const json::Object &tensor = *value.getAsObject();
    llvm::outs() << "  " << printable(*tensor.getString("name")) << ": "
                 << (tensor.getBoolean("optional").value_or(false) ? "optional " : "")
                 << (tensor.getBoolean("sequence").value_or(false) ? "sequence of " : "") << *tensor.getString("type")
                 << " [";
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
  printScript(*plan.getArray("script"));
  const json::Object &host = *plan.getObject("host");
  for (const json::Value &value : *host.getArray("kernels")) {
    llvm::outs() << "on the host: " << printable(*value.getAsObject()->getString("name"));
    for (const json::Value &node : *value.getAsObject()->getArray("nodes"))
      llvm::outs() << " '" << printable(*node.getAsString()) << "'";
    llvm::outs() << '\n';
  }
  if (const int64_t copies = *host.getInteger("copies"); copies > 0)
    llvm::outs() << llvm::formatv("copies: {0}, {1} to the device, {2} to the host\n", copies,
                                  formatBytes(uint64_t(*host.getInteger("bytes_to_device"))),
                                  formatBytes(uint64_t(*host.getInteger("bytes_to_host"))));
  printRanks(*plan.getArray("ranks"), *plan.getString("device"));
}
