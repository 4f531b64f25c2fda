//===- CudaMockTest.h - Tests of the CUDA device without a GPU ------------===//
#ifndef TENON_TEST_UNIT_RUNTIME_CUDAMOCKTEST_H
#define TENON_TEST_UNIT_RUNTIME_CUDAMOCKTEST_H

#include "MockCuda.h"

#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace tenon::test {

/// What the mock saw since the last call.
inline MockCudaReport report() {
  static void *library = dlopen(TENON_MOCK_CUDA, RTLD_NOW | RTLD_LOCAL);
  MockCudaReport report;
  reinterpret_cast<MockCudaReportFunction>(dlsym(library, "tenon_mock_cuda_report"))(&report);
  return report;
}

/// A test on the mock driver and mock libraries, which must leave nothing behind.
class CudaMockTest : public testing::Test {
protected:
  static constexpr const char *variables[] = {"TENON_DEVICE_PATH",      "TENON_CUDA_DRIVER", "TENON_CUDA_DEVICE",
                                              "TENON_MOCK_CAPABILITY",  "TENON_MOCK_FAIL",   "TENON_MOCK_MEMORY",
                                              "TENON_CUDA_GRAPHS",      "TENON_CUBLASLT",    "TENON_CUDNN",
                                              "TENON_MOCK_FAIL_LIBRARY"};
  void SetUp() override {
    setenv("TENON_DEVICE_PATH", TENON_DEVICE_FOLDER, 1);
    setenv("TENON_CUDA_DRIVER", TENON_MOCK_CUDA, 1);
    setenv("TENON_CUBLASLT", TENON_MOCK_LIBRARIES, 1);
    setenv("TENON_CUDNN", TENON_MOCK_LIBRARIES, 1);
    report();
  }
  void TearDown() override {
    for (const char *variable : variables)
      unsetenv(variable);
    const MockCudaReport end = report();
    EXPECT_EQ(end.violations, std::vector<std::string>());
    EXPECT_EQ(end.contexts + end.modules + end.streams + end.allocations + end.graphs + end.depth + end.events +
                  end.descriptions,
              0)
        << "something is left";
  }
};

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_CUDAMOCKTEST_H
