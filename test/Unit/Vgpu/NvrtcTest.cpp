//===- NvrtcTest.cpp - The device headers under the CUDA compiler ---------===//
//
// Compiles every header, and every kernel of test/Device, with NVRTC for every architecture that can have it: the text
// of inline PTX is checked by the assembler that it is for. No GPU is needed; skipped where NVRTC is not installed.
//
//===----------------------------------------------------------------------===//
#include "TestDevice.h"

#include <cstdlib>
#include <dlfcn.h>

using namespace tenon::test;

namespace {

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

  /// Null where there is no library.
  static const Nvrtc *get() {
    static const Nvrtc library = open();
    return library.createProgram ? &library : nullptr;
  }

  /// The messages of a failed compilation; empty on success.
  std::string compile(const std::string &source, const std::string &arch) const {
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
    size_t size = 0, cubin = 0;
    if (failure && logSize(program, &size) == 0) {
      messages.resize(size);
      log(program, messages.data());
      messages += " (NVRTC error " + std::to_string(failure) + ")";
    }
    if (!failure && (cubinSize(program, &cubin) || cubin == 0))
      messages = "no machine code";
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
    find(library.createProgram, "nvrtcCreateProgram");
    return library;
  }
};

const char *const kAll[] = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a"};

class NvrtcTest : public testing::Test {
protected:
  void SetUp() override {
    if (!Nvrtc::get())
      GTEST_SKIP() << "libnvrtc was not found";
  }
};

TEST_F(NvrtcTest, EveryHeaderAlone) {
  for (const tenon::DeviceHeader &header : tenon::deviceHeaders()) {
    std::string name = header.name;
    if (name.find("host_") != std::string::npos || name.find("emulator_") != std::string::npos)
      continue;
    for (const char *arch : kAll)
      EXPECT_EQ(Nvrtc::get()->compile("#include \"" + name + "\"\nextern \"C\" __global__ void k() {}", arch), "")
          << name << " for " << arch;
  }
}

TEST_F(NvrtcTest, KernelsForEveryArchitecture) {
  for (const char *file : {"Elements.cu", "GemmSm80.cu", "Normalize.cu", "TensorCores.cu", "Warp.cu"})
    for (const char *arch : kAll)
      EXPECT_EQ(Nvrtc::get()->compile(deviceSource(file), arch), "") << file << " for " << arch;
}

TEST_F(NvrtcTest, TmaFromSm90) {
  for (const char *arch : {"sm_90a", "sm_100a"})
    EXPECT_EQ(Nvrtc::get()->compile(deviceSource("Tma.cu"), arch), "") << arch;
}

TEST_F(NvrtcTest, WgmmaForSm90a) {
  for (const char *file : {"GemmSm90.cu", "Wgmma.cu"})
    EXPECT_EQ(Nvrtc::get()->compile(deviceSource(file), "sm_90a"), "") << file;
}

} // namespace
