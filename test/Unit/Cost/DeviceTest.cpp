//===- DeviceTest.cpp - Device descriptions -------------------------------===//
#include "tenon/Cost/Device.h"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::cost;

namespace {

const char *const cpu = "name = small\n"
                        "title = a small machine\n"
                        "kind = cpu\n"
                        "arch = x86-64-v3\n"
                        "units = 4  # counted\n"
                        "clock_mhz = 1000  # a source\n"
                        "f32_tflops = 0.5  # a source\n"
                        "memory_gb = 8  # a source\n"
                        "memory_gb_per_s = 20  # a source\n"
                        "cache_mb = 2  # a source\n"
                        "cache_gb_per_s = 100  # a source\n"
                        "launch_us = 5  # a source\n";

std::string changed(std::string from, std::string to) {
  std::string text = cpu;
  size_t at = text.find(from);
  EXPECT_NE(at, text.npos);
  return text.replace(at, from.size(), to);
}

void expectRefused(const std::string &text, const std::string &part) {
  auto device = parseDevice(text);
  ASSERT_FALSE(device);
  EXPECT_EQ(device.status().error().code, "TN9030");
  EXPECT_NE(device.status().error().message.find(part), std::string::npos) << device.status().error().message;
}

TEST(Device, ReadsFiguresInTheirUnits) {
  auto device = parseDevice(cpu);
  ASSERT_TRUE(device) << device.status().str();
  EXPECT_EQ(device->name, "small");
  EXPECT_FALSE(device->isGpu);
  EXPECT_EQ(device->units, 4);
  EXPECT_DOUBLE_EQ(device->rate(Unit::F32), 0.5e12);
  EXPECT_EQ(device->rate(Unit::F16), 0);
  EXPECT_DOUBLE_EQ(device->memoryBandwidth, 20e9);
  EXPECT_EQ(device->cacheBytes, 2 << 20);
  EXPECT_DOUBLE_EQ(device->launchSeconds, 5e-6);
  EXPECT_EQ(device->text, cpu);
}

TEST(Device, RefusesWhatIsWrong) {
  expectRefused(changed("  # counted", ""), "'units' names no source");
  expectRefused(changed("units = 4", "units = four"), "'units' is 'four'");
  expectRefused(changed("units = 4", "units = -4"), "expected a number above 0");
  expectRefused(changed("units = 4", "units = nan"), "expected a number above 0");
  expectRefused(changed("units = 4", "units = 0.5"), "less than 1");
  expectRefused(changed("units = 4  # counted\n", ""), "'units' is missing");
  expectRefused(changed("units", "unit"), "unknown name 'unit'");
  expectRefused(changed("kind = cpu", "kind = tpu"), "expected gpu or cpu");
  expectRefused(changed("kind = cpu", "kind = gpu"), "is missing");
  expectRefused(changed("name = small", "name = a/b"), "letters, digits");
  expectRefused(std::string(cpu) + "units = 5  # again\n", "given twice");
  expectRefused(std::string(cpu) + "threads_per_unit = 5  # a source\n", "is for GPUs");
  expectRefused(std::string(cpu) + "nothing\n", "line 13");
  expectRefused(std::string(100000, '\n'), "64 KiB");
  expectRefused("", "'name' is missing");
}

TEST(Device, EveryBuiltinDescriptionIsRead) {
  std::vector<std::string> names;
  for (const Device &device : builtinDevices()) {
    names.push_back(device.name);
    EXPECT_LE(device.memoryBandwidth, device.cacheBandwidth) << device.name;
    EXPECT_NE(deviceOfArch(device.arch), nullptr) << device.name;
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"a100", "b200", "cpu-avx2", "h100", "h200", "l4", "rtx4090", "xeon-avx512"}));
}

TEST(Device, PeaksOfGpusAgreeWithTheirCores) {
  // 128 multiply-adds a clock in each multiprocessor; the A100 has 64.
  for (const Device &device : builtinDevices()) {
    if (!device.isGpu)
      continue;
    double perClock = device.rate(Unit::F32) / (double(device.units) * device.clock);
    EXPECT_NEAR(perClock, device.name == "a100" ? 128 : 256, 6) << device.name;
  }
}

TEST(Device, IsFoundByNameOrPath) {
  auto named = findDevice("h100");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->arch, "sm_90a");
  auto unknown = findDevice("h1000");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.status().error().code, "TN9031");
  EXPECT_NE(unknown.status().error().remedy.find("rtx4090"), std::string::npos);
  auto missing = findDevice("./no-such.device");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.status().error().code, "TN9031");
  std::string path = testing::TempDir() + "small.device";
  std::ofstream(path) << cpu;
  auto read = findDevice(path);
  ASSERT_TRUE(read) << read.status().str();
  EXPECT_EQ(read->name, "small");
  std::remove(path.c_str());
}

TEST(Device, ArchitecturesHaveARepresentative) {
  EXPECT_EQ(deviceOfArch("sm_90a")->name, "h100");
  EXPECT_EQ(deviceOfArch("sm_100a")->name, "b200");
  EXPECT_EQ(deviceOfArch("x86-64-v4")->name, "xeon-avx512");
  EXPECT_EQ(deviceOfArch("x86-64-v4-vnni")->name, "xeon-avx512");
  EXPECT_EQ(deviceOfArch("sm_10"), nullptr);
}

} // namespace
