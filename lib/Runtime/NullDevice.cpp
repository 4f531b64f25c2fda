//===- NullDevice.cpp - A device that computes nothing --------------------===//
#include "Device.h"

namespace tenon::runtime {

namespace {
class NullQueue final : public Queue {
public:
  Status launch(uint32_t, const LaunchArguments &) override { return Status::success(); }
  Status copy(void *, const void *, int64_t) override { return Status::success(); }
  Status finish() override { return Status::success(); }
};

class NullDevice final : public Device {
public:
  explicit NullDevice(const plan::Container &container) : container(container) {}

  Expected<std::unique_ptr<Queue>> createQueue() override {
    return std::unique_ptr<Queue>(std::make_unique<NullQueue>());
  }
  std::unique_ptr<DeviceMemory> allocate(int64_t bytes) override { return allocateHostMemory(bytes); }
  const char *weights() const override {
    return reinterpret_cast<const char *>(container.section(plan::SectionKind::Weights).data());
  }
  unsigned threads() const override { return 1; }
  size_t code() const override { return 0; }
  const std::string &arch() const override { return name; }

private:
  const plan::Container &container;
  const std::string name;
};
} // namespace

std::unique_ptr<Device> createNullDevice(const plan::Container &container) {
  return std::make_unique<NullDevice>(container);
}

} // namespace tenon::runtime
