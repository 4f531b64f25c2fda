//===- InspectKernels.cpp - The kernels of a plan, with predictions -------===//
#include "InspectKernels.h"

#include "common/Report.h"
#include "tenon/Plan/Vectors.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {

/// Launches of one kernel, added up.
struct Totals {
  int64_t launches = 0, flops = 0, traffic = 0, dynamicShared = 0;
  cost::Estimate sum;
  std::array<double, 4> secondsByBound{};
};

int64_t valueAt(llvm::ArrayRef<int64_t> values, uint32_t index) { return index < values.size() ? values[index] : 0; }

void add(Totals &totals, const cost::Estimate &estimate) {
  totals.sum.seconds += estimate.seconds;
  totals.sum.best += estimate.best;
  totals.sum.worst += estimate.worst;
  totals.sum.roofline += estimate.roofline;
  totals.secondsByBound[size_t(estimate.bound)] += estimate.seconds;
}

json::Array textsOf(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *strings) {
  json::Array out;
  for (unsigned i = 0; strings && i < strings->size(); ++i)
    out.push_back(json::fixUTF8(strings->Get(i)->string_view()));
  return out;
}

/// The needs on the device's architecture, else the first that is known.
const cost::ArchNeeds *needsOn(const cost::KernelNote &note, const std::optional<cost::Device> &device) {
  for (const cost::ArchNeeds &needs : note.needs)
    if (device && needs.arch == device->arch)
      return &needs;
  return note.needs.empty() ? nullptr : &note.needs.front();
}

/// The code object that the prediction is for: that of the device's architecture, else the first.
uint32_t codeOf(const plan::Plan &plan, const std::optional<cost::Device> &device) {
  for (unsigned i = 0; device && plan.code() && i < plan.code()->size(); ++i)
    if (plan.code()->Get(i)->arch()->string_view() == device->arch)
      return i;
  return 0;
}

void addUp(Totals &totals, const plan::Plan &plan, unsigned kernel, int threads, const SizedFunction &sized,
           const cost::KernelNote *note, const std::optional<cost::Device> &device) {
  const plan::Function &function = *sized.function;
  const llvm::ArrayRef<int64_t> values = sized.values;
  const uint32_t code = codeOf(plan, device);
  const cost::ArchNeeds *needs = note ? needsOn(*note, device) : nullptr;
  for (unsigned i = 0; function.records() && i < function.records()->size(); ++i) {
    const plan::Launch *launch = function.records()->Get(i)->operation_as_Launch();
    if (!launch || launch->kernel() != kernel || !plan::includesCode(function.records()->Get(i)->codes(), code))
      continue;
    const int64_t flops = valueAt(values, launch->flops()), traffic = valueAt(values, launch->traffic());
    const int64_t scratch = valueAt(values, launch->scratch());
    ++totals.launches;
    totals.flops += flops;
    totals.traffic += traffic;
    totals.dynamicShared = std::max(totals.dynamicShared, threads ? scratch : 0);
    if (!note || !device)
      continue;
    cost::Grid grid{valueAt(values, launch->grid()), std::max(threads, 1), needs ? int(needs->registers) : 0,
                    (threads ? scratch : 0) + (needs ? needs->sharedBytes : 0)};
    if (threads == 0 && device->isGpu)
      grid = cost::callGrid(*device);
    add(totals, cost::estimate(*device, note->tactic, double(flops), double(traffic), grid));
  }
}

/// Rounded, so that a listing is the same wherever it is made.
double microseconds(double seconds) { return std::round(seconds * 1e9) * 1e-3; }

void addPrediction(json::Object &kernel, const Totals &totals) {
  const auto &by = totals.secondsByBound;
  const auto bound = cost::Bound(std::max_element(by.begin(), by.end()) - by.begin());
  kernel["predicted_us"] = microseconds(totals.sum.seconds);
  kernel["best_us"] = microseconds(totals.sum.best);
  kernel["worst_us"] = microseconds(totals.sum.worst);
  kernel["error_bar"] = std::round(totals.sum.error() * 100) / 100;
  kernel["roofline_us"] = microseconds(totals.sum.roofline);
  kernel["bound"] = llvm::StringRef(cost::boundName(bound));
}

void addNote(json::Object &kernel, const cost::KernelNote &note, std::span<const uint8_t> sources) {
  kernel["tactic"] = note.tactic.name;
  kernel["why"] = note.tactic.why;
  kernel["family"] = note.tactic.family;
  json::Array resources;
  for (const cost::ArchNeeds &needs : note.needs)
    resources.push_back(json::Object{{"arch", needs.arch},
                                     {"registers", needs.registers},
                                     {"spill_bytes", needs.spillBytes},
                                     {"stack_bytes", needs.stackBytes},
                                     {"shared_bytes", needs.sharedBytes}});
  kernel["resources"] = std::move(resources);
  const uint64_t offset = note.sourceOffset, length = note.sourceLength;
  if (length > 0 && offset <= sources.size() && length <= sources.size() - offset)
    kernel["source"] =
        json::fixUTF8(llvm::StringRef(reinterpret_cast<const char *>(sources.data()) + offset, size_t(length)));
}

} // namespace

Expected<tools::KernelTable> tools::KernelTable::create(const plan::Container &container, const std::string &device) {
  KernelTable table(container);
  std::span<const uint8_t> section = container.section(plan::SectionKind::Kernels);
  if (section.empty())
    return table;
  auto notes = cost::parseKernelNotes({reinterpret_cast<const char *>(section.data()), section.size()});
  if (!notes)
    return notes.takeStatus();
  auto found = device.empty() ? cost::parseDevice(notes->device) : cost::findDevice(device);
  if (!found)
    return found.takeStatus();
  table.notes = std::move(*notes);
  table.device = std::move(*found);
  return table;
}

json::Object tools::KernelTable::describe(unsigned index, llvm::ArrayRef<SizedFunction> functions) const {
  const plan::Kernel &kernel = *container.plan().kernels()->Get(index);
  const cost::KernelNote *note = nullptr;
  for (const cost::KernelNote &each : notes.kernels)
    if (each.name == kernel.name()->string_view())
      note = &each;
  Totals totals; // a function counts once, however often the script calls it
  for (const SizedFunction &function : functions)
    addUp(totals, container.plan(), index, int(kernel.threads()), function, note, device);
  json::Object object{{"name", json::fixUTF8(kernel.name()->string_view())},
                      {"launches", totals.launches},
                      {"flops", totals.flops},
                      {"bytes", totals.traffic},
                      {"threads", int64_t(kernel.threads())},
                      {"dynamic_shared_bytes", totals.dynamicShared},
                      {"nodes", textsOf(kernel.nodes())}};
  if (!note)
    return object;
  addNote(object, *note, container.section(plan::SectionKind::Source));
  object["host"] = kernel.host();
  if (!kernel.host()) // the device's description says nothing of the processor
    addPrediction(object, totals);
  return object;
}

json::Array tools::KernelTable::describe(llvm::ArrayRef<SizedFunction> functions) const {
  json::Array all;
  for (unsigned i = 0; container.plan().kernels() && i < container.plan().kernels()->size(); ++i)
    all.push_back(describe(i, functions));
  return all;
}

static std::string joinNodes(const json::Object &kernel) {
  std::string nodes;
  for (const json::Value &node : *kernel.getArray("nodes"))
    nodes += (nodes.empty() ? "" : ", ") + printable(*node.getAsString());
  return nodes;
}

/// "4.2 us (1.1 to 12.3)"
static std::string timeText(const json::Object &kernel) {
  if (!kernel.get("predicted_us"))
    return "";
  return llvm::formatv("{0:F1} ({1:F1} to {2:F1})", *kernel.getNumber("predicted_us"), *kernel.getNumber("best_us"),
                       *kernel.getNumber("worst_us"))
      .str();
}

static void printRow(const json::Object &kernel) {
  llvm::outs() << llvm::formatv(
      "  {0,-36} {1,8} {2,10:F3} {3,10:F3} {4,-26} {5,11} {6,-8} {7}\n", printable(*kernel.getString("name")),
      *kernel.getInteger("launches"), double(*kernel.getInteger("flops")) * 1e-6,
      double(*kernel.getInteger("bytes")) * 1e-6, timeText(kernel),
      kernel.get("roofline_us") ? llvm::formatv("{0:F1}", *kernel.getNumber("roofline_us")).str() : "",
      kernel.getString("bound").value_or(""), printable(kernel.getString("tactic").value_or("")));
}

static void printDetails(const json::Object &kernel) {
  llvm::outs() << "\n  " << printable(*kernel.getString("name")) << "\n    nodes: " << joinNodes(kernel) << '\n';
  if (auto tactic = kernel.getString("tactic"))
    llvm::outs() << "    tactic: " << printable(*tactic) << ": " << printable(*kernel.getString("why")) << '\n';
  if (const json::Array *resources = kernel.getArray("resources"))
    for (const json::Value &value : *resources) {
      const json::Object &on = *value.getAsObject();
      llvm::outs() << llvm::formatv("    {0}: {1} registers, {2} + {3} bytes of shared memory, {4} bytes spilled\n",
                                    printable(*on.getString("arch")), *on.getInteger("registers"),
                                    *on.getInteger("shared_bytes"), *kernel.getInteger("dynamic_shared_bytes"),
                                    *on.getInteger("spill_bytes"));
    }
  auto source = kernel.getString("source");
  if (!source) {
    llvm::outs() << "    source: not kept; compile with --keep-source\n";
    return;
  }
  llvm::outs() << "    source:\n";
  llvm::SmallVector<llvm::StringRef> lines;
  source->rtrim().split(lines, '\n');
  for (llvm::StringRef line : lines)
    llvm::outs() << "      " << printable(line) << '\n';
}

void tools::printKernels(const json::Array &kernels) {
  llvm::outs() << llvm::formatv("  {0,-36} {1,8} {2,10} {3,10} {4,-26} {5,11} {6,-8} {7}\n", "kernel", "launches",
                                "MFLOP", "MB", "predicted us (error bar)", "roofline us", "bound", "tactic");
  for (const json::Value &value : kernels)
    printRow(*value.getAsObject());
  for (const json::Value &value : kernels)
    printDetails(*value.getAsObject());
}
