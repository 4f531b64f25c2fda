//===- SanitizerTest.cpp - Kernels under the host's sanitizers ------------===//
//
// Kernels are instrumented by g++, whose AddressSanitizer is a shared library: the program starts itself again with it
// loaded first. The virtual GPU tells it of its fibers, so what is right stays silent, and accesses that no wrapper
// sees are found. Skipped where g++ or the libraries are missing.
//
//===----------------------------------------------------------------------===//
#include "TestDevice.h"

#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

using namespace tenon::test;

namespace {

class SanitizerTest : public EmulatorTest {
protected:
  void SetUp() override {
    EmulatorTest::SetUp();
    if (!dlsym(RTLD_DEFAULT, "__asan_init"))
      GTEST_SKIP() << "g++'s libasan was not found";
    setenv("TENON_HOST_CXX", "g++", 1);
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }

  /// Compiles with the sanitizers and launches one block per `blocks`.
  template <class... Args>
  std::string launch(const std::string &source, const char *kernel, unsigned blocks, unsigned threads, size_t shared,
                     uint64_t seed, Args... args) {
    std::vector<char> object;
    std::string error = tenon::vgpu::compileForHost(
        source, object, {"-fsanitize=address,alignment", "-fno-sanitize-recover=alignment", "-g"});
    if (!error.empty())
      return error;
    tenon::vgpu::Module module = tenon::vgpu::Module::load(object.data(), object.size(), error);
    void *pointers[] = {&args...};
    return error.empty() ? gpu().launch(module.find(kernel), {blocks}, {threads}, shared, pointers, {seed, {}}) : error;
  }
};

TEST_F(SanitizerTest, SilentOnRightKernels) {
  std::vector<float> x(4 * 300, 0.5f), y(4 * 300);
  x[7] = 1;
  for (uint64_t seed = 0; seed < 3; ++seed)
    EXPECT_EQ(launch(deviceSource("Normalize.cu"), "normalize", 4, 256, 0, seed, x.data(), y.data(), 300), "");
  // Abandoned fibers leave nothing poisoned on their stacks.
  std::string local = "#include \"tenon/cuda/warp.cuh\"\nextern \"C\" __global__ void local(float *x) {\n"
                      "  float copy[64];\n  for (int i = 0; i < 64; ++i) copy[i] = x[i];\n"
                      "  __syncthreads();\n  if (x[0] == 1 && threadIdx.x == 40) __trap();\n"
                      "  for (int i = 0; i < 64; ++i) x[64 + threadIdx.x] = copy[(i + threadIdx.x) % 64];\n}\n"
                      "TENON_KERNEL(local);";
  for (uint64_t seed = 0; seed < 4; ++seed) {
    x[0] = static_cast<float>(seed % 2);
    std::string message = launch(local, "local", 2, 64, 0, seed, x.data());
    EXPECT_EQ(message.find("__trap()") != std::string::npos, seed % 2 == 1) << message;
  }
}

TEST_F(SanitizerTest, FindsReadsBeyondAnAllocation) {
  std::vector<float> x(2 * 300), y(4 * 300);
  EXPECT_DEATH((void)launch(deviceSource("Normalize.cu"), "normalize", 3, 256, 0, 1, x.data(), y.data(), 300),
               "AddressSanitizer: heap-");
}

TEST_F(SanitizerTest, FindsMisalignedPlainAccesses) {
  std::string source =
      "#include \"tenon/cuda/base.cuh\"\nextern \"C\" __global__ void misaligned(const float *x, float "
      "*y) {\n  *y = reinterpret_cast<const float4 *>(x + 1)->x;\n}\nTENON_KERNEL(misaligned);";
  std::vector<float> x(16), y(1);
  EXPECT_DEATH((void)launch(source, "misaligned", 1, 1, 0, 0, x.data(), y.data()), "misaligned address");
}

/// Where g++ keeps a library, or an empty string.
std::string libraryOfGcc(const char *name) {
  std::string path;
  if (FILE *pipe = popen((std::string("g++ -print-file-name=") + name).c_str(), "r")) {
    for (int c; (c = fgetc(pipe)) > ' ';)
      path += static_cast<char>(c);
    pclose(pipe);
  }
  return path.find('/') == std::string::npos ? "" : path;
}

} // namespace

int main(int argc, char **argv) {
  // Not from within a child that a death test starts.
  if (!getenv("LD_PRELOAD")) {
    std::string address = libraryOfGcc("libasan.so"), undefined = libraryOfGcc("libubsan.so");
    if (!address.empty() && !undefined.empty()) {
      setenv("LD_PRELOAD", (address + " " + undefined).c_str(), 1);
      setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
      execv("/proc/self/exe", argv);
    }
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
