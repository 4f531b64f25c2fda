// How the runtime opens devices in libraries; DeviceConformanceTest.cpp has what they must do.
#include "DeviceSample.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

class PluginDevice : public testing::Test {
protected:
  void SetUp() override { setenv("TENON_DEVICE_PATH", "/nonexistent:" TENON_TEST_KERNELS, 1); }
  void TearDown() override { unsetenv("TENON_DEVICE_PATH"); }
};

std::string failure(PlanMaker m, const std::string &arch, SessionOptions options = {}) {
  auto session = Session::create(packed(std::move(m), arch), options);
  return session.ok() ? "" : session.status().error().code + " " + session.status().error().message;
}

} // namespace

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
