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

size_t countOf(const std::string &text, const std::string &what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

class StaticGates : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(Nvrtc::get()) << "libnvrtc was not found"; }
  /// No local memory and no spill in any of the file's kernels, for these architectures.
  static void check(const char *file, const std::vector<std::string> &archs, size_t kernels, int family = 0) {
    std::vector<Nvrtc::Compiled> compiled(archs.size());
    std::vector<std::thread> threads;
    std::string source = (family ? "#define FAMILY " + std::to_string(family) + "\n" : "") + deviceSource(file);
    std::atomic<size_t> next = 0;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
      threads.emplace_back([&] {
        for (size_t i; (i = next++) < archs.size();)
          compiled[i] = Nvrtc::get()->compile(source, archs[i]);
      });
    for (std::thread &thread : threads)
      thread.join();
    for (size_t i = 0; i < archs.size(); ++i) {
      SCOPED_TRACE(std::string(file) + " for " + archs[i]);
      const std::string &log = compiled[i].log;
      ASSERT_FALSE(compiled[i].image.empty()) << log;
      EXPECT_EQ(countOf(log, "Compiling entry function"), kernels) << log;
      EXPECT_EQ(countOf(log, "C75"), 0u) << "serialised wgmma: " << log;
      EXPECT_EQ(countOf(log, " 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"), kernels) << log;
    }
  }
};

// All instances for all architectures take a minute, so that is for those who ask.
TEST_F(StaticGates, GemmSimt) { check("GemmTemplates.cu", {"sm_80"}, 4, 1); }
TEST_F(StaticGates, GemmMma) { check("GemmTemplates.cu", {"sm_90a"}, 6, 2); }
TEST_F(StaticGates, Conv) { check("ConvTemplates.cu", {"sm_80"}, 6); }
TEST_F(StaticGates, ConvWgmma) { check("ConvWgmmaTemplates.cu", {"sm_90a"}, 3); }
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
