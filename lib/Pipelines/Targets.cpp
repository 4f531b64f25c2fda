//===- Targets.cpp - What can be compiled for -----------------------------===//
#include "tenon/Pipelines/Targets.h"

#include "llvm/ADT/STLExtras.h"

using namespace tenon;
using llvm::StringLiteral;

// A plan gets the defaults; one with products of integers has code for VNNI besides.
static constexpr StringLiteral cpuArchs[] = {"x86-64-v4-vnni", "x86-64-v4", "x86-64-v3-vnni", "x86-64-v3"};
static constexpr StringLiteral cpuDefaults[] = {"x86-64-v4", "x86-64-v3"};
static constexpr StringLiteral cpuIntegers[] = {"x86-64-v4-vnni", "x86-64-v4", "x86-64-v3"};
// "compute_80" is PTX: what no other code object fits, the driver compiles from it.
static constexpr StringLiteral cudaArchs[] = {"sm_100a", "sm_90a", "sm_89", "sm_86", "sm_80", "compute_80"};
static constexpr StringLiteral cudaDefaults[] = {"sm_90a", "sm_80", "compute_80"};
static constexpr StringLiteral vgpuArchs[] = {"sm_100a", "sm_90a", "sm_89", "sm_86", "sm_80"};
static constexpr StringLiteral vgpuDefaults[] = {"sm_90a"};

static constexpr Target targets[] = {
    {"cpu", false, false, cpuArchs, cpuDefaults, cpuIntegers},
    {"cuda", true, true, cudaArchs, cudaDefaults, cudaDefaults},
    {"vgpu", true, false, vgpuArchs, vgpuDefaults, vgpuDefaults},
};

llvm::ArrayRef<Target> tenon::getTargets() { return targets; }

const Target *tenon::findTarget(llvm::StringRef name) {
  const Target *found = llvm::find_if(targets, [&](const Target &target) { return target.name == name; });
  return found == std::end(targets) ? nullptr : found;
}
