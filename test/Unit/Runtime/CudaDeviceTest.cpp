// The CUDA device on a mock of the driver.
#include "CodeChoice.h"
#include "CudaMockTest.h"
#include "DeviceSample.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

class CudaDevice : public CudaMockTest {
protected:
  Expected<std::unique_ptr<Session>> open(PlanMaker m, const std::vector<std::string> &archs = {"sm_90a"},
                                          const std::string &forced = "", const char *image = "MOCK add_rows scale") {
    SessionOptions options;
    options.arch = forced;
    return Session::create(packed(std::move(m), archs, textArchive({image})), options);
  }
  std::string failure(const std::vector<std::string> &archs = {"sm_90a"}, const std::string &forced = "",
                      const char *image = "MOCK add_rows scale") {
    auto session = open(deviceSample("cuda"), archs, forced, image);
    return session.ok() ? "" : session.status().error().code + " " + session.status().error().message;
  }
  static std::string failure(Session &session) {
    auto y = session.run(std::vector<Tensor>{floats({0, 0, 0, 0}, {1, 4})});
    return y.ok() ? "" : y.status().error().code + " " + y.status().error().message;
  }
};

std::string choose(std::vector<const char *> archs, cuda::Capability device) {
  size_t chosen = 0;
  return cuda::chooseCode(archs, nullptr, device, "GPU", chosen).empty() ? archs[chosen] : "none";
}

} // namespace

TEST(CudaCodeChoice, PrefersExactThenSameMajorThenPtx) {
  const std::vector<const char *> all = {"sm_100a", "sm_90a", "sm_89", "sm_86", "sm_80", "compute_80"};
  EXPECT_EQ(choose(all, {10, 0}), "sm_100a");
  EXPECT_EQ(choose(all, {9, 0}), "sm_90a");
  EXPECT_EQ(choose(all, {8, 9}), "sm_89");
  EXPECT_EQ(choose(all, {8, 7}), "sm_86");
  EXPECT_EQ(choose(all, {8, 0}), "sm_80");
  EXPECT_EQ(choose(all, {12, 0}), "compute_80");
  EXPECT_EQ(choose(all, {10, 3}), "compute_80"); // 'a' code runs on its own capability only
  EXPECT_EQ(choose(all, {7, 5}), "none");
}

TEST(CudaCodeChoice, KnowsSuffixesAndOrder) {
  EXPECT_EQ(choose({"sm_80", "sm_86"}, {8, 9}), "sm_86");
  EXPECT_EQ(choose({"sm_90a", "sm_90"}, {9, 0}), "sm_90a");
  EXPECT_EQ(choose({"sm_90", "sm_90a"}, {9, 0}), "sm_90"); // best first
  EXPECT_EQ(choose({"sm_100f"}, {10, 3}), "sm_100f");
  EXPECT_EQ(choose({"sm_100f"}, {12, 0}), "none");
  EXPECT_EQ(choose({"compute_80", "compute_90"}, {12, 0}), "compute_90");
  EXPECT_EQ(choose({"compute_90a"}, {10, 0}), "none");
  EXPECT_EQ(choose({"compute_90a"}, {9, 0}), "compute_90a");
  EXPECT_EQ(choose({"x86-64-v3", "sm_", "sm_9x", "sm_99999999999", "compute_"}, {9, 0}), "none");
}

TEST_F(CudaDevice, UsesTheCodeOfItsCapability) {
  setenv("TENON_MOCK_CAPABILITY", "8.6", 1);
  auto session = open(deviceSample("cuda"), {"sm_90a", "sm_80", "compute_80"});
  ASSERT_TRUE(session.ok()) << session.status().str();
  EXPECT_EQ((*session)->arch(), "sm_80");
  EXPECT_EQ(failure({"sm_90a", "sm_80"}, "sm_90a"), "TN8002 device 'cuda' does not take the plan: sm_90a was asked "
                                                    "for, but the device has compute capability 8.6 (Mock GPU)");
  EXPECT_EQ(
      failure({"sm_90a", "sm_80"}, "sm_86"),
      "TN8002 device 'cuda' does not take the plan: the plan holds no code for sm_86, only for sm_90a, sm_80; the "
      "device has compute capability 8.6 (Mock GPU)");
  EXPECT_EQ(failure({"sm_90a", "sm_100a"}),
            "TN8002 device 'cuda' does not take the plan: the plan holds code for sm_90a, sm_100a, but the device has "
            "compute capability 8.6 (Mock GPU); code for compute_80 runs from 8.0 on");
}

TEST_F(CudaDevice, ReportsADriverThatIsAbsentOrOther) {
  setenv("TENON_CUDA_DRIVER", "/nonexistent/libcuda.so.1", 1);
  EXPECT_NE(failure().find("does not take the plan: the CUDA driver cannot be opened: /nonexistent/libcuda.so.1"),
            std::string::npos);
  setenv("TENON_CUDA_DRIVER", TENON_TEST_KERNELS "/libtenon_device_test.so", 1);
  EXPECT_NE(failure().find("lacks cuInit"), std::string::npos);
  setenv("TENON_CUDA_DRIVER", TENON_MOCK_CUDA, 1);
  setenv("TENON_MOCK_FAIL", "cuInit=100", 1);
  EXPECT_NE(failure().find("no CUDA-capable device is detected (CUDA_ERROR_NO_DEVICE)"), std::string::npos);
  setenv("TENON_CUDA_DEVICE", "3", 1);
  unsetenv("TENON_MOCK_FAIL");
  EXPECT_NE(failure().find("GPU 3: invalid device ordinal"), std::string::npos);
}

TEST_F(CudaDevice, ReportsCodeThatDoesNotLoad) {
  const std::string prefix = "TN8002 device 'cuda' does not take the plan: ";
  EXPECT_EQ(failure({"sm_90a"}, "", "garbage"), prefix +
                                                    "code for sm_90a does not load: device kernel image is invalid "
                                                    "(CUDA_ERROR_INVALID_IMAGE): not MOCK");
  EXPECT_EQ(failure({"sm_90a"}, "", "\177ELF"), prefix + "code for sm_90a does not load: a code object is cut short");
  EXPECT_EQ(failure({"sm_90a"}, "", "MOCK scale"), prefix + "the code objects lack kernel 'add_rows'");
  auto session = Session::create(packed(deviceSample("cuda"), {"sm_90a"}, testKernels()), SessionOptions());
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().error().message,
            "device 'cuda' does not take the plan: the code object is no archive of images");
}

TEST_F(CudaDevice, RefusesBlocksThatAreTooLarge) {
  for (unsigned threads : {0u, 1025u}) {
    PlanMaker m = deviceSample("cuda");
    m.plan.kernels[0]->threads = threads;
    auto session = open(std::move(m));
    ASSERT_FALSE(session.ok());
    EXPECT_NE(session.status().str().find("the device allows 1 to 1024"), std::string::npos);
  }
}

TEST_F(CudaDevice, ReportsTooLittleMemory) {
  setenv("TENON_MOCK_MEMORY", "8", 1);
  EXPECT_EQ(failure().substr(0, 6), "TN7011"); // weights
  setenv("TENON_MOCK_MEMORY", "100", 1);
  auto session = open(deviceSample("cuda"));
  ASSERT_TRUE(session.ok()) << session.status().str();
  EXPECT_EQ(failure(**session).substr(0, 6), "TN7011"); // the arena
}

TEST_F(CudaDevice, ReportsWhatTheDriverSaysOfALaunch) {
  auto session = open(deviceSample("cuda"));
  ASSERT_TRUE(session.ok()) << session.status().str();
  setenv("TENON_MOCK_FAIL", "cuLaunchKernel=719", 1);
  EXPECT_EQ(failure(**session), "TN8003 kernel 'add_rows': unspecified launch failure (CUDA_ERROR_LAUNCH_FAILED)");
  setenv("TENON_MOCK_FAIL", "cuStreamSynchronize=700", 1);
  EXPECT_EQ(failure(**session),
            "TN8003 execution: an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS)");
  setenv("TENON_MOCK_FAIL", "cuStreamCreate=12345", 1);
  EXPECT_EQ(failure(**session), "TN8003 queue: CUDA error 12345");
  unsetenv("TENON_MOCK_FAIL");
  EXPECT_EQ(failure(**session), "");
}

TEST_F(CudaDevice, GivesEachThreadAStream) {
  auto session = open(deviceSample("cuda"));
  ASSERT_TRUE(session.ok()) << session.status().str();
  report();
  std::atomic<int> waiting{2}, good{0};
  auto work = [&] {
    --waiting;
    while (waiting > 0)
      std::this_thread::yield();
    for (int i = 0; i < 100; ++i)
      good += failure(**session).empty();
  };
  std::thread one(work), two(work);
  one.join();
  two.join();
  EXPECT_EQ(good, 200);
  const MockCudaReport seen = report();
  EXPECT_EQ(seen.calls.at("cuLaunchKernel"), 400);
  EXPECT_GE(seen.streams, 1);
  EXPECT_LE(seen.streams, 2);
  EXPECT_LE(seen.allocations, 3); // weights, and an arena for each stream
}

TEST_F(CudaDevice, AsksForSharedMemoryOnce) {
  auto session = open(deviceSample("cuda", 1, 100000));
  ASSERT_TRUE(session.ok()) << session.status().str();
  EXPECT_EQ(failure(**session), "");
  EXPECT_EQ(failure(**session), "");
  const MockCudaReport seen = report();
  EXPECT_EQ(seen.calls.at("cuFuncSetAttribute"), 2); // one for each kernel
  ASSERT_EQ(seen.launches.size(), 4u);
  EXPECT_EQ(seen.launches[1], "scale<<<4, 64, 100000>>>");

  auto small = open(deviceSample("cuda", 1, 40000));
  ASSERT_TRUE(small.ok());
  EXPECT_EQ(failure(**small), "");
  EXPECT_EQ(report().calls.count("cuFuncSetAttribute"), 0u);

  auto large = open(deviceSample("cuda", 1, 300000));
  ASSERT_TRUE(large.ok());
  EXPECT_EQ(failure(**large), "TN8003 kernel 'add_rows': a block needs 300000 bytes of shared memory beside 1024, the "
                              "device has 232448");
}

TEST_F(CudaDevice, ReleasesEverythingWhenOpeningFailsAnywhere) {
  for (const char *function : {"cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain",
                               "cuModuleLoadDataEx", "cuModuleGetFunction", "cuFuncGetAttribute", "cuMemAlloc_v2",
                               "cuStreamCreate", "cuMemcpyAsync", "cuStreamSynchronize"}) {
    setenv("TENON_MOCK_FAIL", (std::string(function) + "=1").c_str(), 1);
    EXPECT_NE(failure(), "") << function;
    const MockCudaReport seen = report();
    EXPECT_EQ(seen.violations, std::vector<std::string>()) << function;
    EXPECT_EQ(seen.contexts + seen.modules + seen.streams + seen.allocations + seen.graphs + seen.depth, 0) << function;
  }
}

TEST_F(CudaDevice, ReplaysLaunchesFromTheThirdRunOn) {
  auto session = open(deviceSample("cuda", 5));
  ASSERT_TRUE(session.ok()) << session.status().str();
  auto run = [&](float x, int64_t rows) {
    auto y = (*session)->run(std::vector<Tensor>{floats(std::vector<float>(size_t(rows) * 4, x), {rows, 4})});
    ASSERT_TRUE(y.ok()) << y.status().str();
    for (int64_t i = 0; i < rows * 4; ++i)
      EXPECT_EQ((*y)[0].as<float>()[i], 32 * (x + 10 * float(i % 4 + 1)));
  };
  report();
  run(1, 2);
  EXPECT_EQ(report().launches.size(), 6u);
  run(2, 2); // records
  MockCudaReport seen = report();
  EXPECT_EQ(seen.launches.size(), 0u);
  EXPECT_EQ(seen.calls["cuStreamBeginCapture_v2"], 1);
  EXPECT_EQ(seen.graphs, 1);
  run(3, 2);
  run(4, 2);
  seen = report();
  EXPECT_EQ(seen.calls["cuLaunchKernel"], 0);
  EXPECT_EQ(seen.calls["cuGraphLaunch"], 2);
  run(5, 1); // another shape, in the same memory
  run(6, 1);
  run(7, 1);
  EXPECT_EQ(report().graphs, 2);
  run(8, 100); // more memory: addresses have changed
  EXPECT_EQ(report().graphs, 0);
  run(9, 2);
  run(10, 2);
  run(11, 2);
  EXPECT_EQ(report().graphs, 1);
}

TEST_F(CudaDevice, KeepsFewRecordings) {
  auto session = open(deviceSample("cuda", 5));
  ASSERT_TRUE(session.ok()) << session.status().str();
  for (int64_t rows = 20; rows > 0; --rows)
    for (int i = 0; i < 3; ++i) {
      std::vector<float> x(size_t(rows) * 4);
      ASSERT_TRUE((*session)->run(std::vector<Tensor>{floats(x, {rows, 4})}).ok());
    }
  EXPECT_EQ(report().graphs, 8);
}

TEST_F(CudaDevice, ReportsAFailedRecording) {
  for (const char *function : {"cuStreamBeginCapture_v2", "cuLaunchKernel", "cuStreamEndCapture",
                               "cuGraphInstantiateWithFlags", "cuGraphLaunch"}) {
    auto session = open(deviceSample("cuda", 5));
    ASSERT_TRUE(session.ok()) << session.status().str();
    EXPECT_EQ(failure(**session), "");
    setenv("TENON_MOCK_FAIL", (std::string(function) + "=719").c_str(), 1);
    EXPECT_EQ(failure(**session).substr(0, 6), "TN8003") << function;
    unsetenv("TENON_MOCK_FAIL");
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(failure(**session), "") << function;
  }
}

TEST_F(CudaDevice, RecordsNothingWhereThatIsOff) {
  setenv("TENON_CUDA_GRAPHS", "0", 1);
  auto session = open(deviceSample("cuda", 5));
  ASSERT_TRUE(session.ok()) << session.status().str();
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(failure(**session), "");
  EXPECT_EQ(report().calls.count("cuStreamBeginCapture_v2"), 0u);
}
