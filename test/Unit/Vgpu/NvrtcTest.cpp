//===- NvrtcTest.cpp - The device headers under the CUDA compiler ---------===//
//
// Compiles every header, and every kernel of test/Device, with NVRTC for every architecture that can have it: the text
// of inline PTX is checked by the assembler that it is for. No GPU is needed; skipped where NVRTC is not installed.
//
//===----------------------------------------------------------------------===//
#include "Nvrtc.h"
#include "TestDevice.h"

using namespace tenon::test;

namespace {

const char *const kAll[] = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a"};

std::string messages(const std::string &source, const std::string &arch) {
  const Nvrtc::Compiled compiled = Nvrtc::get()->compile(source, arch);
  return compiled.image.empty() ? "no machine code: " + compiled.log : "";
}

class NvrtcTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(Nvrtc::get()) << "libnvrtc was not found"; }
};

TEST_F(NvrtcTest, EveryHeaderAlone) {
  for (const tenon::DeviceHeader &header : tenon::deviceHeaders()) {
    std::string name = header.name;
    if (name.find("host_") != std::string::npos || name.find("emulator_") != std::string::npos)
      continue;
    for (const char *arch : kAll)
      EXPECT_EQ(messages("#include \"" + name + "\"\nextern \"C\" __global__ void k() {}", arch), "")
          << name << " for " << arch;
  }
}

TEST_F(NvrtcTest, KernelsForEveryArchitecture) {
  for (const char *file : {"Elements.cu", "GemmSm80.cu", "Normalize.cu", "TensorCores.cu", "Warp.cu"})
    for (const char *arch : kAll)
      EXPECT_EQ(messages(deviceSource(file), arch), "") << file << " for " << arch;
}

TEST_F(NvrtcTest, TmaFromSm90) {
  for (const char *arch : {"sm_90a", "sm_100a"})
    EXPECT_EQ(messages(deviceSource("Tma.cu"), arch), "") << arch;
}

TEST_F(NvrtcTest, WgmmaForSm90a) {
  for (const char *file : {"GemmSm90.cu", "Wgmma.cu"})
    EXPECT_EQ(messages(deviceSource(file), "sm_90a"), "") << file;
}

} // namespace
