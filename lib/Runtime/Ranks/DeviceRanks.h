//===- DeviceRanks.h - Collectives among devices --------------------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_DEVICERANKS_H
#define TENON_LIB_RUNTIME_RANKS_DEVICERANKS_H

#include "../Device.h"
#include "Collective.h"

#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace tenon::runtime {

/// What the device of one rank does together with those of others, without the host between them. For one thread, but
/// for abort().
class DeviceRanks {
public:
  /// All ranks call it at the same time. Null where one of them cannot: then the host has to.
  static Expected<std::unique_ptr<DeviceRanks>> create(Device &device, uint32_t rank, uint32_t size,
                                                       Transport &transport);

  /// Whether devices have such a collective; the same on all members.
  static bool takes(const CollectiveSizes &c);
  /// Enqueues it, in memory of the device. `transport` is for groups that meet for the first time.
  Status run(const CollectiveSizes &c, char *source, char *target, Queue &queue, Transport &transport);
  /// Lets what waits for other ranks end. Nothing works afterwards.
  void abort();

private:
  DeviceRanks(Device &device, uint32_t rank, uint32_t size) : device(device), rank(rank), size(size) {}

  /// Copies that have to wait for what is received.
  struct Unpack {
    Strips from, to;
  };
  Expected<DeviceComm *> commOf(const CollectiveSizes &c, Transport &transport);
  Status reserve(int64_t bytes, Queue &queue);
  Status copy(const Strips &from, const Strips &to, Queue &queue);
  Expected<char *> pack(const Strips &strips, Queue &queue);
  char *takePlace(int64_t bytes);
  Status move(const CollectiveSizes &c, char *source, char *target, Queue &queue, DeviceCollective &messages,
              std::vector<Unpack> &unpacked);

  Device &device;
  const uint32_t rank, size;
  std::mutex mutex;                                                   ///< of the communicators
  std::map<std::vector<uint32_t>, std::unique_ptr<DeviceComm>> comms; ///< by their ranks
  std::unique_ptr<DeviceMemory> packed;                               ///< parts that are in no one piece
  int64_t packedBytes = 0, packedUsed = 0;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_DEVICERANKS_H
