//===- Nvrtc.h - The CUDA compiler, where it is installed -----------------===//
#ifndef TENON_TEST_VGPU_NVRTC_H
#define TENON_TEST_VGPU_NVRTC_H

#include "Places.h"
#include "tenon/Runtime/DeviceHeaders.h"

#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <type_traits>
#include <vector>

namespace tenon::test {

/// The few functions of libnvrtc that are needed, so that building needs no CUDA toolkit.
struct Nvrtc {
  using Program = void *;
  int (*createProgram)(Program *, const char *source, const char *name, int headers, const char *const *texts,
                       const char *const *names) = nullptr;
  int (*compileProgram)(Program, int options, const char *const *) = nullptr;
  int (*destroyProgram)(Program *) = nullptr;
  int (*logSize)(Program, size_t *) = nullptr;
  int (*log)(Program, char *) = nullptr;
  int (*cubinSize)(Program, size_t *) = nullptr;
  int (*cubin)(Program, char *) = nullptr;

  /// Null where there is no library.
  static const Nvrtc *get() {
    static const Nvrtc library = open();
    return library.createProgram ? &library : nullptr;
  }

  struct Compiled {
    std::string log;         ///< messages, and what ptxas says of registers and spills
    std::vector<char> image; ///< empty where that failed
  };

  /// Compiles for an architecture ("sm_90a"), and lets ptxas say what kernels need.
  Compiled compile(const std::string &source, const std::string &arch) const {
    std::vector<const char *> names, texts;
    for (const tenon::DeviceHeader &header : tenon::deviceHeaders()) {
      names.push_back(header.name);
      texts.push_back(header.text);
    }
    Program program;
    if (createProgram(&program, source.c_str(), "kernel.cu", static_cast<int>(names.size()), texts.data(),
                      names.data()))
      return {"no program", {}};
    Compiled result;
    const std::string archOption = "-arch=" + arch;
    const char *options[] = {archOption.c_str(), "-std=c++17", "-Xptxas=-v"};
    const int failure = compileProgram(program, 3, options);
    size_t size = 0;
    if (logSize(program, &size) == 0) {
      result.log.resize(size);
      log(program, result.log.data());
    }
    if (failure == 0 && cubinSize(program, &size) == 0) {
      result.image.resize(size);
      if (cubin(program, result.image.data()))
        result.image.clear();
    }
    destroyProgram(&program);
    return result;
  }

private:
  static Nvrtc open() {
    void *handle = nullptr;
    for (const std::string &place : codegen::cuda::nvrtcPlaces())
      if (!handle)
        handle = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    Nvrtc library;
    if (!handle)
      return library;
    auto find = [&](auto &function, const char *name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle, name));
    };
    find(library.compileProgram, "nvrtcCompileProgram");
    find(library.destroyProgram, "nvrtcDestroyProgram");
    find(library.logSize, "nvrtcGetProgramLogSize");
    find(library.log, "nvrtcGetProgramLog");
    find(library.cubinSize, "nvrtcGetCUBINSize");
    find(library.cubin, "nvrtcGetCUBIN");
    find(library.createProgram, "nvrtcCreateProgram");
    return library;
  }
};

} // namespace tenon::test

#endif // TENON_TEST_VGPU_NVRTC_H
