//===- CpuKernelSet.cpp - Kernels for processors --------------------------===//
#include "KernelSet.h"

#include "mlir/IR/Threading.h"
#include "tenon/Codegen/CPU/Codegen.h"
#include "tenon/Codegen/Common/Region.h"
#include "tenon/Plan/Sha256.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::codegen;

namespace {

class CpuKernelSet final : public KernelSet {
public:
  CpuKernelSet(MLIRContext &context, ArrayRef<CpuTarget> targets, const cost::Context &cost, const cost::Tuning &tuning,
               StringRef prefix)
      : context(context), targets(targets), cost(cost), tuning(tuning), prefix(prefix) {
    kernels.resize(targets.size());
  }

  FailureOr<LoweredDispatches> lower(graph::DispatchOp dispatch) override;
  FailureOr<std::vector<PlanCode>> compile(int jobs, llvm::function_ref<void(double)> progress) override;
  std::vector<cost::KernelNote> takeNotes(std::string *source) override;

private:
  FailureOr<KernelInfo> emit(graph::DispatchOp dispatch, StringRef name, size_t target, OwningOpRef<ModuleOp> &module);

  struct Choice {
    cost::Tactic tactic;
    int64_t size = 0; ///< of the result, where there was a choice
  };
  FailureOr<Choice> choose(graph::DispatchOp dispatch);

  MLIRContext &context;
  SmallVector<CpuTarget> targets;
  const cost::Context &cost;
  const cost::Tuning &tuning;
  std::string prefix;                                      ///< of names
  std::vector<std::vector<OwningOpRef<ModuleOp>>> kernels; ///< [target][kernel]
  llvm::StringMap<std::string> names;                      ///< text of a kernel -> its name
  struct Written {
    std::string name, text; ///< before it is lowered
    cost::Tactic tactic;
    int64_t size;
  };
  std::vector<Written> written;
};

} // namespace

FailureOr<KernelInfo> CpuKernelSet::emit(graph::DispatchOp dispatch, StringRef name, size_t target,
                                         OwningOpRef<ModuleOp> &module) {
  module = ModuleOp::create(dispatch.getLoc());
  return emitKernel(dispatch, name, targets[target], *module);
}

static std::string toText(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

/// Picks among the tactics of the region, and says so in its attribute. The key is the text of the default's kernel.
FailureOr<CpuKernelSet::Choice> CpuKernelSet::choose(graph::DispatchOp dispatch) {
  SmallVector<int64_t> rows = getProductRows(dispatch);
  if (rows.size() < 2 || (!tuning.timings && tuning.forced.empty()))
    return Choice{describeTactic(dispatch)};
  OwningOpRef<ModuleOp> module;
  if (failed(emit(dispatch, "kernel", 0, module)))
    return failure();
  const std::string text = toText(*module);
  const std::string key = tenon::toHex(tenon::Sha256::of(text.data(), text.size())).substr(0, 32);
  const auto size = int64_t(
      cost.evaluate(graph::product(&context, graph::getDims(cast<RankedTensorType>(dispatch.getResult(0).getType())))));
  const std::string &device = cost.device.name, standard = "rows=" + std::to_string(rows.front());
  const std::string chosen = tuning.timings ? tuning.timings->choose(device, key, size, standard) : tuning.forced;
  for (int64_t choice : rows)
    if (chosen == "rows=" + std::to_string(choice) && chosen != standard)
      dispatch->setAttr(productRowsAttr, IntegerAttr::get(IntegerType::get(&context, 64), choice));
  cost::Tactic tactic = describeTactic(dispatch);
  tactic.key = key;
  if (tuning.timings && !chosen.empty())
    tactic.why = "by the timings: " + tuning.timings->explain(device, key, size);
  return Choice{std::move(tactic), size};
}

FailureOr<LoweredDispatches> CpuKernelSet::lower(graph::DispatchOp dispatch) {
  FailureOr<Choice> choice = choose(dispatch);
  if (failed(choice))
    return failure();
  OwningOpRef<ModuleOp> module;
  auto info = emit(dispatch, "kernel", 0, module);
  if (failed(info))
    return failure();
  const std::string text = toText(*module);
  auto [it, isNew] = names.try_emplace(text, "");
  if (isNew) {
    it->second = prefix + makeKernelName(dispatch, kernels.front().size());
    written.push_back({it->second, text, std::move(choice->tactic), choice->size});
    SymbolTable::lookupSymbolIn(*module, "kernel")
        ->setAttr(SymbolTable::getSymbolAttrName(), StringAttr::get(&context, it->second));
    kernels.front().push_back(std::move(module));
    for (size_t target = 1; target < targets.size(); ++target) {
      OwningOpRef<ModuleOp> other;
      auto otherInfo = emit(dispatch, it->second, target, other);
      if (failed(otherInfo))
        return failure();
      assert(otherInfo->grid == info->grid && otherInfo->params == info->params &&
             "one launch must serve the kernels of every target");
      kernels[target].push_back(std::move(other));
    }
  }
  return LoweredDispatches{{it->second, info->params, info->grid, info->scratchBytes}};
}

FailureOr<std::vector<PlanCode>> CpuKernelSet::compile(int jobs, llvm::function_ref<void(double)> progress) {
  std::vector<PlanCode> code;
  for (size_t target = 0; target < targets.size(); ++target) {
    SmallVector<ModuleOp> modules;
    for (auto &module : kernels[target])
      modules.push_back(*module);
    if (failed(failableParallelForEach(&context, modules, lowerKernels)))
      return failure();
    progress((target + 0.3) / targets.size());
    auto object = compileKernels(modules, targets[target], jobs);
    if (failed(object))
      return failure();
    code.push_back({targets[target].arch, std::move(*object)});
    progress((target + 1.0) / targets.size());
  }
  return code;
}

std::vector<cost::KernelNote> CpuKernelSet::takeNotes(std::string *source) {
  std::vector<cost::KernelNote> notes;
  for (const Written &kernel : written)
    notes.push_back(makeNote(kernel.name, kernel.tactic, kernel.text, source)), notes.back().size = kernel.size;
  return notes;
}

cost::KernelNote tenon::makeNote(StringRef name, const cost::Tactic &tactic, StringRef text, std::string *source) {
  cost::KernelNote note;
  note.name = name.str();
  note.tactic = tactic;
  if (!source)
    return note;
  note.sourceOffset = source->size();
  note.sourceLength = text.size();
  *source += text;
  if (!text.ends_with("\n"))
    *source += '\n';
  return note;
}

std::unique_ptr<KernelSet> tenon::createCpuKernelSet(MLIRContext &context, ArrayRef<std::string> archs,
                                                     const cost::Context &cost, const cost::Tuning &tuning,
                                                     StringRef prefix) {
  SmallVector<CpuTarget> targets;
  for (const std::string &arch : archs) {
    auto target = CpuTarget::get(arch);
    if (!target) {
      emitError(UnknownLoc::get(&context))
          << "TN5010: unknown architecture '" << arch << "'; use " << llvm::join(CpuTarget::getArchs(), ", ");
      return nullptr;
    }
    targets.push_back(*target);
  }
  return std::make_unique<CpuKernelSet>(context, targets, cost, tuning, prefix);
}
