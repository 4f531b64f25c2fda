//===- NullDevice.cpp - A device that computes nothing --------------------===//
#include "Device.h"

namespace tenon::runtime {

namespace {
class NullDevice final : public Device {
public:
  void launch(uint32_t, const LaunchArguments &) override {}
  void copy(void *, const void *, int64_t) override {}
  unsigned threads() const override { return 1; }
  const std::string &arch() const override { return name; }

private:
  const std::string name;
};
} // namespace

std::unique_ptr<Device> createNullDevice() { return std::make_unique<NullDevice>(); }

} // namespace tenon::runtime
