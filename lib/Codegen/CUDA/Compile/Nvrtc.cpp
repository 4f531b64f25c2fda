//===- Nvrtc.cpp - NVRTC, opened at run time ------------------------------===//
//
// The few functions of nvrtc.h that are needed, declared here: the toolkit's headers are not, at build or at run time.
//
//===----------------------------------------------------------------------===//
#include "ProgramCompiler.h"

#include "tenon/Runtime/DeviceHeaders.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <algorithm>
#include <dlfcn.h>

namespace tenon::codegen::cuda {
namespace {

using Program = struct NvrtcProgram *;

/// The library's functions. Result 0 is success.
struct Functions {
  int (*version)(int *major, int *minor);
  int (*create)(Program *, const char *source, const char *name, int headers, const char *const *texts,
                const char *const *names);
  int (*destroy)(Program *);
  int (*compile)(Program, int options, const char *const *);
  int (*cubinSize)(Program, size_t *);
  int (*cubin)(Program, char *);
  int (*ptxSize)(Program, size_t *);
  int (*ptx)(Program, char *);
  int (*logSize)(Program, size_t *);
  int (*log)(Program, char *);
  const char *(*errorString)(int);

  bool load(void *library) {
    auto get = [&](auto &function, const char *name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    return get(version, "nvrtcVersion") && get(create, "nvrtcCreateProgram") && get(destroy, "nvrtcDestroyProgram") &&
           get(compile, "nvrtcCompileProgram") && get(cubinSize, "nvrtcGetCUBINSize") && get(cubin, "nvrtcGetCUBIN") &&
           get(ptxSize, "nvrtcGetPTXSize") && get(ptx, "nvrtcGetPTX") && get(logSize, "nvrtcGetProgramLogSize") &&
           get(log, "nvrtcGetProgramLog") && get(errorString, "nvrtcGetErrorString");
  }
};

class Nvrtc : public ProgramCompiler {
public:
  Nvrtc(const Functions &functions, std::string path) : nvrtc(functions), path(std::move(path)) {
    nvrtc.version(&major, &minor);
  }

  std::string describe() const override {
    return "NVRTC " + std::to_string(major) + "." + std::to_string(minor) + ", " + path;
  }

  ProgramResult compile(const std::string &source, const std::string &arch,
                        llvm::ArrayRef<std::string> options) const override {
    std::vector<const char *> texts, names, arguments;
    for (const DeviceHeader &header : deviceHeaders()) {
      texts.push_back(header.text);
      names.push_back(header.name);
    }
    std::string target = "--gpu-architecture=" + arch;
    arguments.push_back(target.c_str());
    // Leaves out textures, surfaces and the runtime's functions: a tenth of the time.
    if (major >= 13)
      arguments.push_back("--minimal");
    for (const std::string &option : options)
      arguments.push_back(option.c_str());
    ProgramResult result;
    Program program = nullptr;
    int status = nvrtc.create(&program, source.c_str(), "kernels.cu", texts.size(), texts.data(), names.data());
    if (status == 0)
      status = nvrtc.compile(program, arguments.size(), arguments.data());
    if (program) {
      result.log = read(program, nvrtc.logSize, nvrtc.log);
      if (status == 0) {
        bool isPtx = llvm::StringRef(arch).starts_with("compute_");
        std::string code =
            isPtx ? read(program, nvrtc.ptxSize, nvrtc.ptx) : read(program, nvrtc.cubinSize, nvrtc.cubin);
        result.code.assign(code.begin(), code.end());
      }
      nvrtc.destroy(&program);
    }
    result.ok = status == 0 && !result.code.empty();
    if (!result.ok)
      result.log += nvrtc.errorString(status);
    return result;
  }

private:
  static std::string read(Program program, int (*size)(Program, size_t *), int (*get)(Program, char *)) {
    size_t bytes = 0;
    if (size(program, &bytes) != 0 || bytes == 0)
      return {};
    std::string text(bytes, '\0');
    return get(program, text.data()) == 0 ? text : std::string();
  }

  Functions nvrtc;
  std::string path;
  int major = 0, minor = 0;
};

} // namespace

std::unique_ptr<ProgramCompiler> openNvrtc(std::string &searched) {
  for (const std::string &path : nvrtcPlaces()) {
    // Stays open until the process ends: it keeps threads and thread-local state of its own.
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    Functions functions;
    if (library && functions.load(library))
      return std::make_unique<Nvrtc>(functions, path);
    searched += (searched.empty() ? "" : ", ") + path;
  }
  return nullptr;
}

} // namespace tenon::codegen::cuda
