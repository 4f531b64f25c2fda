//===- Device.h - What a session asks of a device -------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICE_H
#define TENON_LIB_RUNTIME_DEVICE_H

#include "tenon/Plan/Container.h"
#include "tenon/Plan/Status.h"
#include "tenon/Plan/plan_generated.h"
#include "tenon/Runtime/Session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tenon::runtime {

/// A buffer as a tensor that a kernel copies by boxes, with all shape values known; see TensorMap in plan.fbs.
struct TensorMap {
  uint32_t buffer; ///< index into the launch's buffers
  plan::ElementType type;
  uint32_t rank;
  int64_t extents[5]; ///< elements
  int64_t strides[5]; ///< bytes
  uint32_t box[5];    ///< elements
  uint32_t swizzle;   ///< bytes
};

/// The arguments of one launch, with all shape values known.
struct LaunchArguments {
  void *const *buffers;
  size_t numBuffers;
  const int64_t *params;
  size_t numParams;
  const TensorMap *maps;
  size_t numMaps;
  int64_t grid;         ///< work groups, at least 1
  int64_t scratchBytes; ///< that the launch needs: of a thread, or of shared memory of a block
  char *scratch;        ///< of thread 0; null if the launch needs none
  size_t scratchStride; ///< bytes from one thread's scratch to the next one's
};

/// Memory that kernels of one device reach. Released with the object, which must not outlive its device.
class DeviceMemory {
public:
  virtual ~DeviceMemory() = default;
  char *data() const { return base; }

protected:
  char *base = nullptr;
};

/// Where devices of several ranks meet: made by one, known to all.
struct DeviceMeeting {
  char bytes[128];
};

/// Devices of several ranks that work together. Must not outlive its device.
class DeviceComm {
public:
  virtual ~DeviceComm() = default;
  /// What waits for other members ends, with whatever result. From any thread.
  virtual void abort() = 0;
};

/// A dense piece of memory of the device that goes to a member of a communicator, or comes from it.
struct DeviceMessage {
  uint32_t peer;
  char *data;
  int64_t bytes;
};

enum class DeviceCollectiveKind : uint32_t { AllReduce, Reduce, Exchange };

/// See TenonDeviceCollective in tenon-c/device.h.
struct DeviceCollective {
  DeviceCollectiveKind kind;
  plan::ElementType type;
  plan::Reduction reduction;
  std::vector<DeviceMessage> sends, receives;
};

/// Launches that were recorded on a queue, which it must not outlive.
class Recording {
public:
  virtual ~Recording() = default;
  virtual Status replay() = 0;
};

/// Launches and copies that happen in the order in which they come. For one thread at a time; must not outlive its
/// device.
class Queue {
public:
  virtual ~Queue() = default;
  virtual Status launch(uint32_t kernel, const LaunchArguments &arguments) = 0;
  /// Between memory of the device and of the host, in any direction.
  virtual Status copy(void *target, const void *source, int64_t bytes) = 0;
  /// Waits until all of it has happened.
  virtual Status finish() = 0;
  /// What devices of ranks do together, in the order of the queue.
  virtual Status collective(DeviceComm &, const DeviceCollective &) { return Status::success(); }
  /// Copies rows within the device's memory. Pitches and sizes in bytes.
  virtual Status copyRows(char *, int64_t, const char *, int64_t, int64_t, int64_t) { return Status::success(); }
  /// Whether launches can be recorded, to start faster the next time.
  virtual bool canRecord() const { return false; }
  /// From now on launches are recorded and do not happen; nothing but launches may come.
  virtual Status beginRecording() { return Status::success(); }
  /// Ends that, also after a launch has failed.
  virtual Expected<std::unique_ptr<Recording>> endRecording() { return std::unique_ptr<Recording>(); }
  /// Whether the device has a clock of its own.
  virtual bool canMark() const { return false; }
  /// Notes the time at which the queue gets here, under a number counted up from 0. Not while recording.
  virtual Status mark(size_t) { return Status::success(); }
  /// Seconds between two marks, after finish().
  virtual Expected<double> elapsed(size_t, size_t) { return 0.0; }
};

/// Holds the kernels and weights of one plan. Thread-safe.
class Device {
public:
  virtual ~Device() = default;
  virtual Expected<std::unique_ptr<Queue>> createQueue() = 0;
  /// Null where there is not enough memory, or `bytes` is negative.
  virtual std::unique_ptr<DeviceMemory> allocate(int64_t bytes) = 0;
  /// Where kernels find the WEIGHTS section.
  virtual const char *weights() const = 0;
  /// Where each weight lies there, in bytes, if not where it lies in the section.
  virtual std::vector<int64_t> weightOffsets() const { return {}; }
  /// Whether the host reads and writes its memory, too.
  virtual bool sharesMemory() const { return true; }
  /// Whether it can work together with devices of other ranks; and then where they meet, if it is they who say.
  virtual bool makeMeeting(DeviceMeeting &) { return false; }
  /// Waits for all `size` members.
  virtual Expected<std::unique_ptr<DeviceComm>> createComm(const DeviceMeeting &, uint32_t, uint32_t) {
    return std::unique_ptr<DeviceComm>();
  }
  /// Number of threads that need scratch of their own; 0 where kernels have no scratch.
  virtual unsigned threads() const = 0;
  /// Index of the code object in use.
  virtual size_t code() const = 0;
  /// Architecture of the code in use, or "".
  virtual const std::string &arch() const = 0;
};

/// Memory of the host: pages of zeros, huge ones where it is large.
std::unique_ptr<DeviceMemory> allocateHostMemory(int64_t bytes);

/// Runs the kernels of the plan on the cores of this machine; with `forHost`, those of the host beside another device.
Expected<std::unique_ptr<Device>> createCpuDevice(const plan::Container &container, const SessionOptions &options,
                                                  bool forHost = false);

/// Does nothing; needs no code objects. For tests and for measuring the executor alone.
std::unique_ptr<Device> createNullDevice(const plan::Container &container);

/// Opens libtenon_device_`name`.so (tenon-c/device.h): in the folders of $TENON_DEVICE_PATH, beside this library, then
/// where the system looks. TN8001 where there is none, TN8002 where it does not take the plan, TN8004 where a library
/// is missing that the plan calls. `ordinal`: which device of several, counted from the one that the environment names.
/// `only`: the function whose weights it is to hold; null: all weights.
Expected<std::unique_ptr<Device>> createPluginDevice(const std::string &name, const plan::Container &container,
                                                     const SessionOptions &options, uint32_t ordinal = 0,
                                                     const plan::Function *only = nullptr);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_DEVICE_H
