//===- KernelTable.cpp - The kernels of many regions, each once -----------===//
#include "tenon/Codegen/CUDA/KernelTable.h"

#include "Templates/TacticChoice.h"
#include "tenon/Codegen/Common/Region.h"

using namespace mlir;

namespace tenon::codegen::cuda {

CudaTarget CudaTarget::forArch(StringRef arch) {
  CudaTarget target;
  target.hasTensorMaps = arch == "sm_90a" || arch == "compute_90a";
  return target;
}

KernelTable::KernelTable(ArrayRef<std::string> archs, const CudaTarget &common) {
  for (const std::string &arch : archs) {
    CudaTarget target = common;
    target.hasTensorMaps = CudaTarget::forArch(arch).hasTensorMaps;
    auto *known =
        llvm::find_if(groups, [&](const Group &group) { return group.target.hasTensorMaps == target.hasTensorMaps; });
    if (known == groups.end())
      known = &groups.emplace_back(Group{target, {}});
    known->archs.push_back(arch);
  }
  if (groups.empty())
    groups.emplace_back(Group{common, {}});
}

FailureOr<SmallVector<KernelTable::Entry, 1>> KernelTable::add(graph::DispatchOp dispatch) {
  SmallVector<Emitted, 2> emitted;
  for (const Group &group : groups) {
    // A call is for all architectures or for none: weights have one order in memory.
    FailureOr<Emitted> one = emit(dispatch, group, /*mayCall=*/&group == groups.begin());
    if (failed(one))
      return failure();
    emitted.push_back(std::move(*one));
    if (emitted.back().kernel.info.call)
      break;
  }
  bool isForAll =
      llvm::all_of(emitted, [&](const Emitted &one) { return one.kernel.source == emitted[0].kernel.source; });
  if (isForAll) {
    emitted.truncate(1);
    emitted[0].archs.clear();
  }
  SmallVector<Entry, 1> entries;
  for (Emitted &one : emitted) {
    FailureOr<Entry> entry = add(dispatch, std::move(one));
    if (failed(entry))
      return failure();
    entries.push_back(std::move(*entry));
  }
  return entries;
}

/// What was chosen goes into the kernel's notes.
static void describeChoice(const TacticChoice &choice, KernelInfo &info) {
  if (!choice.why.empty())
    info.tactic.why = choice.why;
  info.tactic.why += choice.note;
  info.tactic.key = choice.key;
  info.tactic.choices = choice.tiles;
  info.size = choice.size;
}

FailureOr<KernelTable::Emitted> KernelTable::emit(graph::DispatchOp dispatch, const Group &group, bool mayCall) {
  FailureOr<TacticChoice> choice = chooseTactic(dispatch, group.target, mayCall);
  if (failed(choice))
    return failure();
  CudaTarget target = group.target;
  target.tactic = choice->tactic;
  FailureOr<CudaKernel> kernel = emitKernel(dispatch, "kernel", target);
  if (failed(kernel))
    return failure();
  describeChoice(*choice, kernel->info);
  return Emitted{std::move(*kernel), std::move(target), group.archs};
}

FailureOr<KernelTable::Entry> KernelTable::add(graph::DispatchOp dispatch, Emitted emitted) {
  Entry entry{std::move(emitted.kernel.info), emitted.archs};
  std::string key = llvm::join(entry.archs, ",") + "\n" + emitted.kernel.source;
  // What is measured is a kernel of its own for each problem, or its times would be those of several.
  if (emitted.target.tuning && !emitted.target.tuning->forced.empty())
    key += entry.info.tactic.key + " " + std::to_string(entry.info.size);
  auto [it, isNew] = numbers.try_emplace(key, kernels.size());
  if (isNew) {
    FailureOr<CudaKernel> named = emitKernel(dispatch, makeKernelName(dispatch, kernels.size()), emitted.target);
    if (failed(named))
      return failure();
    named->archs = entry.archs;
    named->info.tactic = entry.info.tactic;
    named->info.size = entry.info.size;
    kernels.push_back(std::move(*named));
  }
  entry.info.name = kernels[it->second].info.name;
  return entry;
}

} // namespace tenon::codegen::cuda
