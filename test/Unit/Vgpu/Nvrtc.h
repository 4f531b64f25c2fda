//===- Nvrtc.h - The CUDA compiler, where it is installed -----------------===//
#ifndef TENON_TEST_VGPU_NVRTC_H
#define TENON_TEST_VGPU_NVRTC_H

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

  /// Compiles for an architecture ("sm_90a"); the messages of a failed compilation, or an empty string and `image`.
  std::string compile(const std::string &source, const std::string &arch, std::vector<char> &image) const {
    std::vector<const char *> names, texts;
    for (const tenon::DeviceHeader &header : tenon::deviceHeaders()) {
      names.push_back(header.name);
      texts.push_back(header.text);
    }
    Program program;
    if (createProgram(&program, source.c_str(), "kernel.cu", static_cast<int>(names.size()), texts.data(),
                      names.data()))
      return "no program";
    std::string archOption = "-arch=" + arch, messages;
    const char *options[] = {archOption.c_str(), "-std=c++17"};
    int failure = compileProgram(program, 2, options);
    size_t size = 0;
    if (failure && logSize(program, &size) == 0) {
      messages.resize(size);
      log(program, messages.data());
      messages += " (NVRTC error " + std::to_string(failure) + ")";
    }
    if (!failure) {
      cubinSize(program, &size);
      image.resize(size);
      if (size == 0 || cubin(program, image.data()))
        messages = "no machine code";
    }
    destroyProgram(&program);
    return messages;
  }

private:
  static Nvrtc open() {
    const char *home = getenv("CUDA_HOME");
    std::string toolkit = std::string(home ? home : "/usr/local/cuda") + "/lib64/libnvrtc.so";
    void *handle = nullptr;
    for (const char *name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", toolkit.c_str()})
      if (!handle)
        handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
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
