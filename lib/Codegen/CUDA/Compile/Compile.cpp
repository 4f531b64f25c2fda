//===- Compile.cpp - From CUDA C++ to cubins and PTX ----------------------===//
#include "tenon/Codegen/CUDA/Compile.h"

#include "ProgramCache.h"
#include "ProgramCompiler.h"
#include "mlir/IR/Diagnostics.h"
#include "tenon/Runtime/DeviceHeaders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/ThreadPool.h"
#include <map>

using namespace mlir;

namespace tenon::codegen::cuda {
namespace {

constexpr StringLiteral hostArch = "host";

const ProgramCompiler *getHostCompiler(std::string &searched) {
  static std::string places;
  static std::unique_ptr<ProgramCompiler> compiler = findHostCompiler(places);
  searched = places;
  return compiler.get();
}

/// Opened once: NVRTC is never closed.
const ProgramCompiler *getCompiler(std::string &searched) {
  static std::string places;
  static std::unique_ptr<ProgramCompiler> compiler = [] {
    std::unique_ptr<ProgramCompiler> found = openNvrtc(places);
    return found || isNvrtcNamed() ? std::move(found) : findNvcc(places);
  }();
  searched = places;
  return compiler.get();
}

bool isKnownForm(StringRef arch) {
  if (arch == hostArch)
    return true;
  if (!arch.consume_front("sm_") && !arch.consume_front("compute_"))
    return false;
  arch.consume_back("a");
  int number;
  return !arch.getAsInteger(10, number) && number >= 75 && number < 200;
}

/// Kernels that are compiled together.
struct Program {
  std::string source;
  std::vector<std::string> kernels;
  ArrayRef<std::string> archs; ///< as in CudaKernel
};

/// The kernels must have the same `archs`.
Program join(ArrayRef<const CudaKernel *> kernels) {
  Program program;
  llvm::SetVector<StringRef> includes;
  for (const CudaKernel *kernel : kernels)
    includes.insert(kernel->includes.begin(), kernel->includes.end());
  for (StringRef include : includes)
    program.source += ("#include \"" + include + "\"\n").str();
  program.source += "\nusing namespace tenon::device;\n";
  for (const CudaKernel *kernel : kernels) {
    program.source += "\n" + kernel->source;
    program.kernels.push_back(kernel->info.name);
  }
  program.archs = kernels.front()->archs;
  return program;
}

/// Programs of at most `size` kernels.
std::vector<Program> joinAll(ArrayRef<CudaKernel> kernels, size_t size) {
  std::map<std::string, std::vector<const CudaKernel *>> groups; // in an order that does not change
  for (const CudaKernel &kernel : kernels)
    groups[llvm::join(kernel.archs, ",")].push_back(&kernel);
  std::vector<Program> programs;
  for (auto &[archs, group] : groups)
    for (size_t i = 0; i < group.size(); i += size)
      programs.push_back(join(ArrayRef(group).slice(i, std::min(size, group.size() - i))));
  return programs;
}

std::vector<std::string> getOptions(const CompileOptions &options) {
  std::vector<std::string> list = {"-std=c++17", "-Xptxas=-v"};
  if (options.lineInfo)
    list.push_back("-lineinfo");
  return list;
}

std::string keyOf(const Program &program, const std::string &arch, ArrayRef<std::string> options,
                  const std::string &compiler) {
  SmallVector<StringRef> parts = {program.source, arch, compiler};
  parts.append(options.begin(), options.end());
  for (const DeviceHeader &header : deviceHeaders())
    parts.append({header.name, header.text});
  return ProgramCache::key(parts);
}

struct Job {
  const Program *program;
  std::string arch;
  const ProgramCompiler *compiler;
  ProgramResult result;
  bool fromCache = false;
};

void run(Job &job, const ProgramCache &cache, ArrayRef<std::string> options) {
  const ProgramCompiler &compiler = *job.compiler;
  std::string key = keyOf(*job.program, job.arch, options, compiler.describe());
  job.fromCache = cache.load(key, job.result);
  if (job.fromCache)
    return;
  job.result = compiler.compile(job.program->source, job.arch, options);
  if (job.result.ok)
    cache.store(key, job.result);
}

CudaImage toImage(Job &job) {
  CudaImage image{job.arch, std::move(job.result.code), job.program->kernels, {}, job.fromCache};
  for (const std::string &kernel : image.kernels)
    image.resources.push_back(parseResources(job.result.log, kernel).value_or(KernelResources()));
  return image;
}

} // namespace

CompilerInfo findCudaCompiler() {
  std::string searched;
  const ProgramCompiler *compiler = getCompiler(searched);
  return compiler ? CompilerInfo{true, compiler->describe()} : CompilerInfo{false, searched};
}

FailureOr<std::vector<CudaImage>> compileCuda(MLIRContext &context, ArrayRef<CudaKernel> kernels,
                                              const CompileOptions &options) {
  Location loc = UnknownLoc::get(&context);
  for (const std::string &arch : options.archs)
    if (!isKnownForm(arch))
      return emitError(loc) << "TN5023: unknown architecture '" << arch << "'; use sm_80, sm_90a or compute_80";
  auto findCompiler = [&](const std::string &arch) -> FailureOr<const ProgramCompiler *> {
    std::string searched;
    const bool isHost = options.isVirtual || arch == hostArch;
    if (const ProgramCompiler *compiler = isHost ? getHostCompiler(searched) : getCompiler(searched))
      return compiler;
    if (isHost)
      return emitError(loc) << "TN5024: no C++ compiler was found for the virtual GPU (searched: " << searched
                            << "); install clang or g++, or set TENON_HOST_CXX";
    return emitError(loc) << "TN5021: no CUDA compiler was found (searched: " << searched
                          << "); install the CUDA toolkit or the Python package nvidia-cuda-nvrtc, or set TENON_NVRTC";
  };
  std::vector<Program> programs = joinAll(kernels, std::max(options.kernelsPerProgram, 1));
  std::vector<Job> jobs;
  for (const std::string &arch : options.archs) {
    FailureOr<const ProgramCompiler *> compiler = findCompiler(arch);
    if (failed(compiler))
      return failure();
    for (const Program &program : programs)
      if (program.archs.empty() || llvm::is_contained(program.archs, arch))
        jobs.push_back({&program, arch, *compiler, {}, false});
  }
  ProgramCache cache(options.cache);
  std::vector<std::string> list = getOptions(options);
  {
    llvm::DefaultThreadPool pool(llvm::hardware_concurrency(options.jobs));
    for (Job &job : jobs)
      pool.async([&] { run(job, cache, list); });
    pool.wait();
  }
  std::vector<CudaImage> images;
  for (Job &job : jobs) {
    if (!job.result.ok)
      return emitError(loc) << "TN5022: " << job.compiler->describe() << " refused kernels for " << job.arch
                            << "; this is a bug in Tenon, please report it:\n"
                            << job.result.log;
    images.push_back(toImage(job));
  }
  return images;
}

} // namespace tenon::codegen::cuda
