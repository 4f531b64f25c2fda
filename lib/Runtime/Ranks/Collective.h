//===- Collective.h - What a rank does together with others ---------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_COLLECTIVE_H
#define TENON_LIB_RUNTIME_RANKS_COLLECTIVE_H

#include "../Memory.h"
#include "Transport.h"
#include "tenon/Plan/plan_generated.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tenon::runtime {

/// A collective of a plan with all shape values known, and checked.
struct CollectiveSizes {
  const plan::Collective *plan = nullptr;
  size_t self = 0;                    ///< index of the own rank in the group; of a send or receive: 0
  std::vector<int64_t> dims;          ///< see Collective in plan.fbs
  std::vector<int64_t> extents;       ///< of the parts along Collective::axis
  std::vector<int64_t> concatExtents; ///< of the parts along Collective::concat_axis
  int64_t sourceBytes = 0, targetBytes = 0;
  int64_t traffic() const { return sourceBytes + targetBytes; }
};

/// Evaluates a collective of `rank`. `values` are those of the function's shape program. TN7012 where parts do not sum
/// up, or an extent is negative.
Expected<CollectiveSizes> sizeCollective(const plan::Collective &plan, std::span<const int64_t> values, uint32_t rank);

/// The part of `member` along `axis` of a dense tensor of `dims` at `data`, whose parts have `extents`.
Strips partOf(const CollectiveSizes &c, const char *data, std::span<const int64_t> dims, uint32_t axis,
              std::span<const int64_t> extents, size_t member);

class DeviceRanks;
class Queue;

/// A rank among others, in one run. For one thread.
class Communicator {
public:
  /// `devices`: what devices of the ranks can do together; null: nothing.
  explicit Communicator(Transport &transport, DeviceRanks *devices = nullptr)
      : transport(transport), devices(devices) {}

  /// Whether devices do this collective among themselves.
  bool isOnDevice(const CollectiveSizes &collective) const;
  /// The same for a collective that isOnDevice, in memory of the device and in the order of the queue.
  Status enqueue(const CollectiveSizes &collective, char *source, char *target, Queue &queue);

  /// Does the rank's share, in memory of the host: reads `source`, writes `target`, and returns when it is done.
  Status run(const CollectiveSizes &collective, const char *source, char *target);

  /// TN7019 if any rank has failed.
  Status check() { return transport.check(); }

private:
  Status allReduce(const CollectiveSizes &c, const char *source, char *target);
  Status allReduceSmall(const CollectiveSizes &c, const char *source, char *target);
  Status reduceScatter(const CollectiveSizes &c, const char *source, char *target);
  Status allGather(const CollectiveSizes &c, const char *source, char *target);
  Status allToAll(const CollectiveSizes &c, const char *source, char *target);
  Status exchange();
  Status reserve(int64_t bytes);

  Transport &transport;
  DeviceRanks *const devices;
  Memory staging;
  std::vector<Message> sends, receives; ///< of the exchange to come
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_COLLECTIVE_H
