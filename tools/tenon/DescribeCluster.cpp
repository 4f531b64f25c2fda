//===- DescribeCluster.cpp - tenon doctor --cluster -----------------------===//
#include "DescribeCluster.h"

#include "tenon/Cost/Cluster.h"
#include "tenon/Runtime/CpuInfo.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <chrono>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

namespace {

/// What is asked of the CUDA driver. Success is 0 in its interface.
struct Driver {
  int (*init)(unsigned flags) = nullptr;
  int (*count)(int *count) = nullptr;
  int (*device)(int *device, int ordinal) = nullptr;
  int (*name)(char *name, int length, int device) = nullptr;
  int (*memory)(size_t *bytes, int device) = nullptr;

  bool load() {
    const char *named = std::getenv("TENON_CUDA_DRIVER");
    void *library = dlopen(named && *named ? named : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    auto find = [&](auto &function, const char *symbol) {
      function =
          library ? reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol)) : nullptr;
      return function != nullptr;
    };
    return find(init, "cuInit") && find(count, "cuDeviceGetCount") && find(device, "cuDeviceGet") &&
           find(name, "cuDeviceGetName") && find(memory, "cuDeviceTotalMem_v2") && init(0) == 0;
  }
};

struct Gpu {
  std::string name;
  size_t memory = 0;
};

} // namespace

static std::vector<Gpu> listGpus() {
  std::vector<Gpu> gpus;
  Driver driver;
  int count = 0;
  if (!driver.load() || driver.count(&count) != 0)
    return gpus;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    int device = 0;
    char name[256] = {};
    Gpu gpu;
    if (driver.device(&device, ordinal) == 0 && driver.name(name, sizeof name - 1, device) == 0 &&
        driver.memory(&gpu.memory, device) == 0) {
      gpu.name = name;
      gpus.push_back(std::move(gpu));
    }
  }
  return gpus;
}

/// The description that fits a GPU by its product name, or "".
static llvm::StringRef kindOfGpu(llvm::StringRef name) {
  llvm::SmallVector<llvm::StringRef> words;
  llvm::SplitString(name, words, " -");
  for (llvm::StringRef word : words)
    if (llvm::StringRef kind = llvm::StringSwitch<llvm::StringRef>(word)
                                   .Case("A100", "a100")
                                   .Case("H100", "h100")
                                   .Case("H200", "h200")
                                   .Case("B200", "b200")
                                   .Case("L4", "l4")
                                   .Case("4090", "rtx4090")
                                   .Default("");
        !kind.empty())
      return kind;
  return "";
}

/// Bytes per second of a copy in memory, in billions: what one rank on the processor hands to another. Best of several.
static int64_t measureCopy() {
  constexpr size_t bytes = 64 << 20;
  constexpr int trials = 5;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  double best = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const auto start = std::chrono::steady_clock::now();
    std::memcpy(to.data(), from.data(), bytes);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    from[size_t(trial)] = to[bytes - 1 - size_t(trial)]; // the copy is used
    best = std::max(best, double(bytes) / seconds.count() / 1e9);
  }
  return std::max<int64_t>(1, std::llround(best));
}

static json::Object describeProcessor() {
  const int64_t cores = std::max(1, int(runtime::cpuCores()));
  const int64_t memory = int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return json::Object{
      {"name", "this-machine"},
      {"title", "the cores of this machine, one device each; the link is a copy in memory, measured"},
      {"devices", json::Array{json::Object{{"kind", runtime::cpuSupports("x86-64-v4") ? "xeon-avx512" : "cpu-avx2"},
                                           {"count", cores},
                                           {"memory_gb", std::max<int64_t>(1, memory / cores / 1000000000)}}}},
      {"link", json::Object{{"gb_per_s", measureCopy()}, {"latency_us", 1}}}};
}

Expected<json::Object> tools::describeCluster() {
  const std::vector<Gpu> gpus = listGpus();
  if (gpus.empty())
    return describeProcessor();
  json::Array devices;
  for (auto first = gpus.begin(); first != gpus.end();) {
    auto last = std::find_if(first, gpus.end(), [&](const Gpu &gpu) { return gpu.name != first->name; });
    const llvm::StringRef kind = kindOfGpu(first->name);
    if (kind.empty())
      return Status::error("TN9031", "there is no description of a GPU named '" + first->name + "'", "",
                           "write one after docs/Rationale/CostModel.md and name its file as kind");
    devices.push_back(json::Object{{"kind", kind},
                                   {"count", int64_t(last - first)},
                                   {"memory_gb", std::max<int64_t>(1, int64_t(first->memory / 1000000000))}});
    first = last;
  }
  // What joins the GPUs is not asked of the driver: PCIe 4.0 x16 is what they have at least.
  return json::Object{
      {"name", "this-machine"},
      {"title", "the GPUs of this machine; the link is that of PCIe 4.0 x16, write that of NVLink instead"},
      {"devices", std::move(devices)},
      {"link", json::Object{{"gb_per_s", 25}, {"latency_us", 15}}}};
}
