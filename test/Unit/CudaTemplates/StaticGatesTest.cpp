//===- StaticGatesTest.cpp - What ptxas makes of the templates ------------===//
//
// Compiles every instance of the templates with NVRTC for every architecture that can have it, and reads what ptxas
// says of registers and spills. No GPU is needed; skipped where NVRTC is not installed.
//
//===----------------------------------------------------------------------===//
#include "Nvrtc.h"
#include "TestDevice.h"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace tenon::test;

namespace {

/// The log of compiling with -Xptxas=-v; `failed` where there is no machine code.
std::string ptxasLog(const std::string &source, const std::string &arch, bool &failed) {
  const Nvrtc &nvrtc = *Nvrtc::get();
  std::vector<const char *> names, texts;
  for (const tenon::DeviceHeader &header : tenon::deviceHeaders()) {
    names.push_back(header.name);
    texts.push_back(header.text);
  }
  Nvrtc::Program program;
  failed = true;
  if (nvrtc.createProgram(&program, source.c_str(), "kernel.cu", static_cast<int>(names.size()), texts.data(),
                          names.data()))
    return "no program";
  std::string archOption = "-arch=" + arch;
  const char *options[] = {archOption.c_str(), "-std=c++17", "-Xptxas=-v"};
  failed = nvrtc.compileProgram(program, 3, options) != 0;
  size_t size = 0;
  nvrtc.logSize(program, &size);
  std::string log(size, '\0');
  nvrtc.log(program, log.data());
  nvrtc.destroyProgram(&program);
  return log;
}

size_t countOf(const std::string &text, const std::string &what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

class StaticGates : public testing::Test {
protected:
  void SetUp() override {
    if (!Nvrtc::get())
      GTEST_SKIP() << "libnvrtc was not found";
  }
  /// No local memory and no spill in any of the file's kernels, for these architectures.
  static void check(const char *file, const std::vector<std::string> &archs, size_t kernels, int family = 0) {
    std::vector<std::string> logs(archs.size());
    std::vector<char> failed(archs.size());
    std::vector<std::thread> threads;
    std::string source = (family ? "#define FAMILY " + std::to_string(family) + "\n" : "") + deviceSource(file);
    std::atomic<size_t> next = 0;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
      threads.emplace_back([&] {
        for (size_t i; (i = next++) < archs.size();) {
          bool isFailed;
          logs[i] = ptxasLog(source, archs[i], isFailed);
          failed[i] = isFailed;
        }
      });
    for (std::thread &thread : threads)
      thread.join();
    for (size_t i = 0; i < archs.size(); ++i) {
      SCOPED_TRACE(std::string(file) + " for " + archs[i]);
      ASSERT_FALSE(failed[i]) << logs[i];
      EXPECT_EQ(countOf(logs[i], "Compiling entry function"), kernels) << logs[i];
      EXPECT_EQ(countOf(logs[i], "C75"), 0u) << "serialised wgmma: " << logs[i];
      EXPECT_EQ(countOf(logs[i], " 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"), kernels)
          << logs[i];
    }
  }
};

// All instances for all architectures take a minute, so that is for those who ask.
TEST_F(StaticGates, GemmSimt) { check("GemmTemplates.cu", {"sm_80"}, 4, 1); }
TEST_F(StaticGates, GemmMma) { check("GemmTemplates.cu", {"sm_90a"}, 6, 2); }
TEST_F(StaticGates, Conv) { check("ConvTemplates.cu", {"sm_80"}, 6); }
TEST_F(StaticGates, AttentionSimt) { check("AttentionTemplates.cu", {"sm_80"}, 6, 1); }
TEST_F(StaticGates, AttentionMma) { check("AttentionTemplates.cu", {"sm_90a"}, 6, 2); }
TEST_F(StaticGates, AttentionWgmma) { check("AttentionWgmmaTemplates.cu", {"sm_90a"}, 4); }
TEST_F(StaticGates, GemmWgmma) { check("WgmmaTemplates.cu", {"sm_90a"}, 2); }
TEST_F(StaticGates, EveryArchitecture) {
  if (!getenv("TENON_TEST_EVERY_ARCH"))
    GTEST_SKIP() << "only with TENON_TEST_EVERY_ARCH=1";
  std::vector<std::string> all = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a"};
  check("GemmTemplates.cu", all, 10);
  check("ConvTemplates.cu", all, 6);
  check("AttentionTemplates.cu", all, 12);
}

} // namespace
