// What every device must do, each with its own code for the kernels add_rows and scale.
#include "DeviceSample.h"

#ifdef TENON_TEST_VGPU
#include "tenon/Runtime/DeviceHeaders.h"
#endif

#include <atomic>
#include <gtest/gtest.h>
#include <ostream>
#include <thread>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

struct TestedDevice {
  const char *target;
  const char *arch;               ///< of its code object
  std::vector<uint8_t> (*code)(); ///< empty where it cannot be made here
  bool computes = true;           ///< false: results are unspecified
  bool isPlugin = true;
  bool checksPointers = false; ///< a kernel that reaches memory of the host is an error
  bool limited = false;        ///< has less than 2^32 bytes of memory
  bool hasMaps = false;        ///< kernels may take tensor maps
  friend std::ostream &operator<<(std::ostream &os, const TestedDevice &device) { return os << device.target; }
};

std::vector<uint8_t> mockCode() { return textArchive({"MOCK add_rows\n", "MOCK scale\nMOCK scale_map\n"}); }

#ifdef TENON_TEST_VGPU
std::vector<uint8_t> compileForVgpu() {
  std::vector<char> image;
  const std::string error = vgpu::compileForHost(R"(
#include "tenon/cuda/kernel.cuh"
#include "tenon/cuda/tma.cuh"
extern "C" __global__ void add_rows(const float *x, const float *w, float *y, long long columns) {
  for (long long k = threadIdx.x; k < columns; k += blockDim.x)
    y[blockIdx.x * columns + k] = x[blockIdx.x * columns + k] + w[k];
}
TENON_KERNEL(add_rows);
extern "C" __global__ void scale(const float *x, float *y, long long factor) {
  if (threadIdx.x == 0)
    y[blockIdx.x] = float(factor) * x[blockIdx.x];
}
TENON_KERNEL(scale);
extern "C" __global__ void scale_map(const __grid_constant__ tenon::device::TensorMap map, const float *, float *y,
                                     long long factor) {
  using namespace tenon::device;
  alignas(128) __shared__ float row[4];
  __shared__ Mbarrier ready;
  if (threadIdx.x == 0) {
    mbarrierInit(&ready, 1);
    fenceMbarrierInit();
    mbarrierArriveExpectBytes(&ready, sizeof row);
    tensorLoad(row, &map, &ready, 0, int(blockIdx.x));
  }
  __syncthreads();
  mbarrierWait(&ready, 0);
  if (threadIdx.x < 4)
    y[blockIdx.x * 4 + threadIdx.x] = float(factor) * row[threadIdx.x];
}
TENON_KERNEL(scale_map);
)",
                                                 image);
  EXPECT_EQ(error, "");
  const std::vector<char> archive = plan::packImages(std::vector<std::vector<char>>{image});
  return {archive.begin(), archive.end()};
}

std::vector<uint8_t> vgpuCode() {
  static const std::vector<uint8_t> code = compileForVgpu();
  return code;
}
#endif

const TestedDevice devices[] = {
    {.target = "cpu", .arch = baseArch, .code = testKernels, .isPlugin = false},
    {.target = "null", .arch = "none", .code = testKernels, .computes = false, .isPlugin = false},
    {.target = "test", .arch = "test1", .code = testKernels, .checksPointers = true, .limited = true},
    {.target = "cuda", .arch = "sm_90a", .code = mockCode, .checksPointers = true, .limited = true, .hasMaps = true},
#ifdef TENON_TEST_VGPU
    {.target = "vgpu", .arch = "sm_90a", .code = vgpuCode, .hasMaps = true},
#endif
};

class DeviceConformance : public testing::TestWithParam<TestedDevice> {
protected:
  void SetUp() override {
    setenv("TENON_DEVICE_PATH", "/nonexistent:" TENON_TEST_KERNELS ":" TENON_DEVICE_FOLDER, 1);
    setenv("TENON_CUDA_DRIVER", TENON_MOCK_CUDA, 1);
  }
  void TearDown() override {
    unsetenv("TENON_DEVICE_PATH");
    unsetenv("TENON_CUDA_DRIVER");
  }

  Expected<std::unique_ptr<Session>> open(PlanMaker m, SessionOptions options = {}) {
    return Session::create(packed(std::move(m), {GetParam().arch}, GetParam().code()), options);
  }
  /// A session that must open; null, after a failure, where it does not.
  std::unique_ptr<Session> opened(PlanMaker m) {
    auto session = open(std::move(m));
    EXPECT_TRUE(session.ok()) << session.status().str();
    return session.ok() ? std::move(*session) : nullptr;
  }
  void expectResult(const Expected<std::vector<Tensor>> &y, const std::vector<float> &expected) {
    ASSERT_TRUE(y.ok()) << y.status().str();
    if (GetParam().computes)
      EXPECT_EQ(toVector((*y)[0]), expected);
  }
};

Expected<std::vector<Tensor>> runOn(Session &session, const std::vector<float> &x) {
  return session.run(std::vector<Tensor>{floats(x, {int64_t(x.size()) / 4, 4})});
}

} // namespace

TEST_P(DeviceConformance, ComputesAtEveryShape) {
  auto session = opened(deviceSample(GetParam().target));
  ASSERT_TRUE(session);
  if (GetParam().isPlugin) {
    EXPECT_EQ(session->arch(), GetParam().arch);
    EXPECT_EQ(session->threads(), 1u);
  }
  for (size_t rows : {1, 3, 0, 100, 2}) {
    std::vector<float> expected;
    for (size_t i = 0; i < rows * 4; ++i)
      expected.push_back(sampleResult(int64_t(i)));
    expectResult(runOn(*session, std::vector<float>(rows * 4, 1)), expected);
  }
}

TEST_P(DeviceConformance, RunsLaunchesInOrder) {
  auto session = opened(deviceSample(GetParam().target, 20));
  ASSERT_TRUE(session);
  expectResult(runOn(*session, {0, 1, 2, 3}), {10 << 20, 21 << 20, 32 << 20, 43 << 20});
}

TEST_P(DeviceConformance, RunsTheRecordsOfItsCode) {
  PlanMaker m = deviceSample(GetParam().target, 3);
  // The second scale is for the other code object, and so is its kernel, which this one lacks; it would read what is
  // never written.
  plan::FunctionT &function = m.function();
  const uint32_t zero = m.constant(0);
  const uint32_t unused = m.buffer(plan::BufferKind::Arena, 0, function.buffers[0]->bytes, 0, 5);
  const uint32_t absent = m.kernel("absent", 2, 1);
  m.plan.kernels[absent]->threads = m.plan.kernels[0]->threads;
  m.plan.kernels[absent]->codes = {1};
  plan::LaunchT &launch = *function.records[3]->operation.AsLaunch();
  m.launch(absent, launch.grid, {{unused, zero}, launch.buffers[1]}, launch.params);
  std::swap(function.records[4], function.records.back()); // before the last scale
  std::swap(function.records[5], function.records.back());
  function.records[4]->codes = {1};
  for (auto &buffer : function.buffers)
    buffer->last_record = 6;
  auto session = Session::create(packed(std::move(m), {GetParam().arch, "other"}, GetParam().code()));
  ASSERT_TRUE(session.ok()) << session.status().str();
  expectResult(runOn(**session, {0, 1, 2, 3}), {80, 168, 256, 344});
}

TEST_P(DeviceConformance, PassesTensorMaps) {
  if (!GetParam().hasMaps)
    GTEST_SKIP() << "kernels of this device take no tensor maps";
  auto session = opened(mapSample(GetParam().target));
  ASSERT_TRUE(session);
  for (size_t rows : {1, 3, 0, 100}) {
    std::vector<float> expected;
    for (size_t i = 0; i < rows * 4; ++i)
      expected.push_back(sampleResult(int64_t(i)));
    for (int i = 0; i < 4; ++i) // from the third run on it may be a recording
      expectResult(runOn(*session, std::vector<float>(rows * 4, 1)), expected);
  }
}

TEST_P(DeviceConformance, RunsAgainAndAgainInOneContext) {
  // A launch that reads its arguments later reads those of the next run; where launches can be recorded, they are.
  auto session = opened(deviceSample(GetParam().target, 5));
  ASSERT_TRUE(session);
  for (int i = 0; i < 10; ++i) {
    const float x = float(i);
    expectResult(runOn(*session, {x, 0, 0, 0}), {320 + 32 * x, 640, 960, 1280});
    expectResult(runOn(*session, {x, x, x, x, 0, 0, 0, x}),
                 {320 + 32 * x, 640 + 32 * x, 960 + 32 * x, 1280 + 32 * x, 320, 640, 960, 1280 + 32 * x});
  }
}

TEST_P(DeviceConformance, ProfilesEachStep) {
  auto session = opened(deviceSample(GetParam().target));
  ASSERT_TRUE(session);
  Profile profile;
  RunOptions options;
  options.profile = &profile;
  ASSERT_TRUE(session->run(std::vector<Tensor>{floats({1, 2, 3, 4}, {1, 4})}, options).ok());
  ASSERT_EQ(profile.events.size(), 4u);
  EXPECT_EQ(profile.events[1].name, "add_rows");
}

TEST_P(DeviceConformance, ServesSeveralThreads) {
  auto session = opened(deviceSample(GetParam().target));
  ASSERT_TRUE(session);
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        auto y = runOn(*session, std::vector<float>(size_t(4 * (1 + (i + t) % 3)), float(i)));
        good += y.ok() && (!GetParam().computes || (*y)[0].as<float>()[3] == 2 * (40 + float(i)));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 100);
}

TEST_P(DeviceConformance, KeepsSessionsApart) {
  auto one = opened(deviceSample(GetParam().target)), two = opened(deviceSample(GetParam().target, 2));
  ASSERT_TRUE(one && two);
  expectResult(runOn(*one, {0, 0, 0, 0}), {20, 40, 60, 80});
  expectResult(runOn(*two, {0, 0, 0, 0}), {40, 80, 120, 160});
  one.reset();
  expectResult(runOn(*two, {0, 0, 0, 0}), {40, 80, 120, 160});
}

TEST_P(DeviceConformance, RefusesAnArchitectureThatThePlanLacks) {
  if (!GetParam().isPlugin)
    GTEST_SKIP() << "not chosen by a plug-in";
  SessionOptions options;
  options.arch = "sm_10";
  auto session = open(deviceSample(GetParam().target), options);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().error().code, "TN8002");
}

TEST_P(DeviceConformance, RefusesAPlanWhoseKernelItLacks) {
  if (!GetParam().computes)
    GTEST_SKIP() << "needs no kernels";
  PlanMaker m = deviceSample(GetParam().target);
  m.plan.kernels[1]->name = "absent_kernel";
  auto session = open(std::move(m));
  ASSERT_FALSE(session.ok());
  EXPECT_NE(session.status().str().find("absent_kernel"), std::string::npos) << session.status().str();
}

TEST_P(DeviceConformance, ReportsALaunchOnMemoryOfTheHost) {
  if (!GetParam().checksPointers)
    GTEST_SKIP() << "does not see which memory a kernel reaches";
  auto session = opened(forDevice(makeSample(), GetParam().target)); // kernels that read the caller's memory
  ASSERT_TRUE(session);
  auto y = runOn(*session, {0, 0, 0, 0});
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.status().error().code, "TN8003");
}

TEST_P(DeviceConformance, ReportsTooLittleMemory) {
  if (!GetParam().limited)
    GTEST_SKIP() << "would take as much as there is";
  auto session = opened(deviceSample(GetParam().target));
  ASSERT_TRUE(session);
  std::vector<float> nothing(1);
  auto y = session->run(std::vector<Tensor>{Tensor::borrow(nothing.data(), ElementType::F32, {int64_t(1) << 28, 4})});
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.status().error().code, "TN7011");
  expectResult(runOn(*session, {0, 0, 0, 0}), {20, 40, 60, 80});
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceConformance, testing::ValuesIn(devices),
                         [](const auto &info) { return std::string(info.param.target); });
