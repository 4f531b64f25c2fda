//===- Device.h - What a session asks of a device -------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICE_H
#define TENON_LIB_RUNTIME_DEVICE_H

#include "tenon/Plan/Container.h"
#include "tenon/Plan/Status.h"
#include "tenon/Runtime/Session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tenon::runtime {

/// The arguments of one launch, with all shape values known.
struct LaunchArguments {
  void *const *buffers;
  const int64_t *params;
  int64_t grid;         ///< work groups
  char *scratch;        ///< of thread 0; null if the launch needs none
  size_t scratchStride; ///< bytes from one thread's scratch to the next one's
};

/// Runs launches and copies in the order in which they come. Thread-safe: several runs may be under way.
class Device {
public:
  virtual ~Device() = default;
  virtual void launch(uint32_t kernel, const LaunchArguments &arguments) = 0;
  virtual void copy(void *target, const void *source, int64_t bytes) = 0;
  /// Number of threads that need scratch of their own.
  virtual unsigned threads() const = 0;
  /// Architecture of the code in use, or "".
  virtual const std::string &arch() const = 0;
};

/// Runs the kernels of the plan on the cores of this machine.
Expected<std::unique_ptr<Device>> createCpuDevice(const plan::Container &container, const SessionOptions &options);

/// Does nothing; needs no code objects. For tests and for measuring the executor alone.
std::unique_ptr<Device> createNullDevice();

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_DEVICE_H
