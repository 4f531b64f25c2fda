//===- Doctor.cpp - tenon doctor ------------------------------------------===//
#include "Commands.h"
#include "DescribeCluster.h"
#include "PythonChild.h"
#include "common/Codes.h"
#include "common/Report.h"
#include "tenon/Runtime/CpuInfo.h"
#include "tenon/Runtime/Session.h"
#include "llvm/Support/FormatVariadic.h"
#include <fstream>

#include <dlfcn.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::tools;
namespace json = llvm::json;

static std::string cpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (llvm::StringRef(line).starts_with("model name"))
      return llvm::StringRef(line).split(':').second.trim().str();
  return "unknown";
}

static json::Array runnableArchs() {
  json::Array archs;
  for (const char *arch : {"x86-64-v4-vnni", "x86-64-v4", "x86-64-v3-vnni", "x86-64-v3"})
    if (runtime::cpuSupports(arch))
      archs.push_back(arch);
  return archs;
}

/// Whether one of the libraries can be loaded; nothing is initialised. `variable` of the environment names another.
static bool hasLibrary(const char *variable, std::initializer_list<const char *> names) {
  const char *named = std::getenv(variable);
  auto canOpen = [](const char *name) {
    void *handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle)
      dlclose(handle);
    return handle != nullptr;
  };
  return named && *named ? canOpen(named) : llvm::any_of(names, canOpen);
}

static json::Object describePython() {
  const PythonChild python = findPython();
  json::Object out{{"path", python.path.empty() ? json::Value(nullptr) : json::Value(python.path)}};
  for (const char *module : {"numpy", "onnx", "onnxruntime"}) {
    const std::string version = python.path.empty() ? "" : moduleVersion(python, module);
    out[module] = version.empty() ? json::Value(nullptr) : json::Value(version);
  }
  return out;
}

static std::string textOf(const json::Value *value) {
  if (!value || value->kind() == json::Value::Null)
    return "absent";
  return value->getAsString() ? value->getAsString()->str() : llvm::formatv("{0}", *value).str();
}

static void print(const json::Object &found) {
  const json::Object &cpu = *found.getObject("cpu"), &python = *found.getObject("python");
  llvm::outs() << "tenon:       " << textOf(found.get("version")) << "\ncpu:         " << textOf(cpu.get("model"))
               << ", " << textOf(cpu.get("cores")) << " cores, " << formatBytes(uint64_t(*cpu.getInteger("memory")))
               << "\ncode:       ";
  for (const json::Value &arch : *cpu.getArray("archs"))
    llvm::outs() << ' ' << textOf(&arch);
  llvm::outs() << (cpu.getArray("archs")->empty() ? " none: plans need at least x86-64-v3 (AVX2, FMA)" : "")
               << "\ncuda driver: " << (*found.getBoolean("cuda_driver") ? "present" : "absent") << "\ncuBLASLt:    "
               << (*found.getBoolean("cublaslt") ? "present" : "absent, needed by --tactics=libraries")
               << "\ncuDNN:       "
               << (*found.getBoolean("cudnn") ? "present" : "absent, needed by --tactics=libraries")
               << "\npython:      " << textOf(python.get("path")) << '\n';
  for (const char *module : {"numpy", "onnx", "onnxruntime"})
    llvm::outs() << llvm::formatv("{0,-13}{1}\n", std::string(module) + ":", textOf(python.get(module)));
  if (!python.getString("onnxruntime"))
    llvm::outs() << "note: `tenon verify --against=onnxruntime` needs onnxruntime and numpy; TENON_PYTHON names the "
                    "Python that has them\n";
}

static int printCluster(const Report &report) {
  auto cluster = describeCluster();
  if (!cluster)
    return report.fail(cluster.takeStatus());
  llvm::outs() << llvm::formatv("{0:2}\n", json::Value(std::move(*cluster)));
  return ExitOk;
}

int tools::runDoctor(Arguments arguments) {
  Report report;
  CommandLine line("doctor", "", "Says what this machine has and lacks.");
  bool isCluster = false;
  line.flag("cluster", "print a cluster description of this machine, for --devices", isCluster);
  report.declare(line);
  int status = ExitOk;
  if (!parseOrExit(line, report, arguments, status))
    return status;
  if (isCluster)
    return printCluster(report);
  const int64_t memory = int64_t(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  json::Object found{
      {"version", runtime::versionString()},
      {"cpu", json::Object{{"model", json::fixUTF8(cpuModel())},
                           {"cores", int64_t(runtime::cpuCores())},
                           {"memory", memory},
                           {"best_arch", runtime::cpuArch().data()},
                           {"archs", runnableArchs()}}},
      {"cuda_driver", hasLibrary("TENON_CUDA_DRIVER", {"libcuda.so.1"})},
      {"cublaslt", hasLibrary("TENON_CUBLASLT", {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"})},
      {"cudnn", hasLibrary("TENON_CUDNN", {"libcudnn.so.9", "libcudnn.so.8"})},
      {"python", describePython()},
  };
  if (!report.json())
    print(found);
  return report.finish(std::move(found));
}
