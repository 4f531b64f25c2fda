#include "SampleSession.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

using namespace tenon;
using plan::BufferKind;
using plan::WeightT;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

class PluginDevice : public testing::Test {
protected:
  void SetUp() override { setenv("TENON_DEVICE_PATH", "/nonexistent:" TENON_TEST_KERNELS, 1); }
  void TearDown() override { unsetenv("TENON_DEVICE_PATH"); }
};

/// The sample for a device with memory of its own: what it reads and writes is copied there and back.
PlanMaker deviceSample(const char *target = "test") {
  PlanMaker m;
  m.plan.target = target;
  const uint32_t n = m.inputDim(0, 0), four = m.constant(4), zero = m.constant(0), two = m.constant(2);
  m.function().inputs.push_back(m.tensor("x", {n, four}, {"N", ""}));
  m.function().outputs.push_back(m.tensor("y", {n, four}, {"N", ""}));
  const uint32_t rowBytes = m.constant(16), bytes = m.mul(n, rowBytes), count = m.mul(n, four);
  const uint32_t x = m.buffer(BufferKind::Input, 0, bytes), y = m.buffer(BufferKind::Output, 0, bytes);
  const uint32_t w = m.buffer(BufferKind::Weight, 0, rowBytes), in = m.buffer(BufferKind::Arena, 0, bytes, 0, 1);
  const uint32_t t = m.buffer(BufferKind::Arena, 0, bytes, 1, 2), out = m.buffer(BufferKind::Arena, 0, bytes, 2, 3);
  const uint32_t add = m.kernel("add_rows", 3, 1), scale = m.kernel("scale", 2, 1);
  m.copy({x, zero}, {in, zero}, bytes);
  m.launch(add, n, {{in, zero}, {w, zero}, {t, zero}}, {four}, {"Add_0"});
  m.launch(scale, count, {{t, zero}, {out, zero}}, {two}, {"Mul_1"});
  m.copy({out, zero}, {y, zero}, bytes);
  auto weight = std::make_unique<WeightT>();
  weight->name = "w";
  weight->length = 16;
  m.plan.weights.push_back(std::move(weight));
  return m;
}

std::string failure(PlanMaker m, const std::string &arch, SessionOptions options = {}) {
  auto session = Session::create(packed(std::move(m), arch), options);
  return session.ok() ? "" : session.status().error().code + " " + session.status().error().message;
}

} // namespace

TEST_F(PluginDevice, RunsInItsOwnMemory) {
  auto session = Session::create(packed(deviceSample(), "test1"), SessionOptions());
  ASSERT_TRUE(session.ok()) << session.status().str();
  EXPECT_EQ((*session)->arch(), "test1");
  EXPECT_EQ((*session)->threads(), 1u);
  for (int64_t rows : {1, 3, 0, 2}) {
    std::vector<float> x(size_t(rows) * 4, 1);
    auto y = (*session)->run(std::vector<Tensor>{floats(x, {rows, 4})});
    ASSERT_TRUE(y.ok()) << y.status().str();
    for (int64_t i = 0; i < rows * 4; ++i)
      EXPECT_EQ((*y)[0].as<float>()[i], 2 * (1 + 10 * float(i % 4 + 1)));
  }
}

TEST_F(PluginDevice, ProfilesEachStep) {
  auto session = Session::create(packed(deviceSample(), "test1"), SessionOptions());
  ASSERT_TRUE(session.ok()) << session.status().str();
  Profile profile;
  RunOptions options;
  options.profile = &profile;
  ASSERT_TRUE((*session)->run(std::vector<Tensor>{floats({1, 2, 3, 4}, {1, 4})}, options).ok());
  ASSERT_EQ(profile.events.size(), 4u);
  EXPECT_EQ(profile.events[1].name, "add_rows");
}

TEST_F(PluginDevice, ServesSeveralThreads) {
  auto session = Session::create(packed(deviceSample(), "test1"), SessionOptions());
  ASSERT_TRUE(session.ok()) << session.status().str();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto y = (*session)->run(std::vector<Tensor>{floats({0, 0, 0, 0}, {1, 4})});
        good += y.ok() && (*y)[0].as<float>()[3] == 80;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(good, 200);
}

TEST_F(PluginDevice, ReportsWhatADeviceRefuses) {
  EXPECT_EQ(failure(deviceSample(), "other"),
            "TN8002 device 'test' does not take the plan: no code for architecture test");
  SessionOptions options;
  options.arch = "test2";
  EXPECT_EQ(failure(deviceSample(), "test1", options),
            "TN8002 device 'test' does not take the plan: no code for architecture test");
}

TEST_F(PluginDevice, ReportsAnErrorOfALaunch) {
  PlanMaker m = makeSample(); // kernels that read the caller's memory
  m.plan.target = "test";
  auto session = Session::create(packed(std::move(m), "test1"), SessionOptions());
  ASSERT_TRUE(session.ok()) << session.status().str();
  auto y = (*session)->run(std::vector<Tensor>{floats({0, 0, 0, 0}, {1, 4})});
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.status().error().code, "TN8003");
  EXPECT_EQ(y.status().error().message, "kernel 'add_rows': argument 0 is no memory of the device");
}

TEST_F(PluginDevice, ReportsALibraryThatIsAbsentOrNoDevice) {
  EXPECT_NE(failure(deviceSample("absent"), "test1").find("TN8001 the library of device 'absent' cannot be opened"),
            std::string::npos);
  EXPECT_EQ(failure(deviceSample("../test"), "test1"), "TN7017 '../test' is not the name of a device");
}

TEST_F(PluginDevice, ReportsTooLittleMemory) {
  auto session = Session::create(packed(deviceSample(), "test1"), SessionOptions());
  ASSERT_TRUE(session.ok()) << session.status().str();
  std::vector<float> nothing(1);
  auto y =
      (*session)->run(std::vector<Tensor>{Tensor::borrow(nothing.data(), ElementType::F32, {int64_t(1) << 28, 4})});
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.status().error().code, "TN7011");
}
