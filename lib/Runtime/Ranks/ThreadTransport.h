//===- ThreadTransport.h - Ranks as threads of one process ----------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_THREADTRANSPORT_H
#define TENON_LIB_RUNTIME_RANKS_THREADTRANSPORT_H

#include "Transport.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tenon::runtime {

/// Where the ranks of one run meet. A sender shows the receiver its memory, and waits until that one has copied it.
class ThreadWorld {
public:
  explicit ThreadWorld(size_t ranks) : ranks(ranks), offers(ranks * ranks), hasEnded(ranks), wake(ranks) {}

  /// The first rank that failed, and why.
  std::optional<std::pair<uint32_t, Status>> failure();
  /// Rank `rank` has run to its end: who waits for more of it waits in vain.
  void end(uint32_t rank);

private:
  friend class ThreadTransport;

  const size_t ranks;
  std::mutex mutex; ///< of all that follows
  /// What waits to be copied, or null; while it is copied, its sender has to wait whatever happens.
  struct Offer {
    const Strips *strips = nullptr;
    bool isCopied = false;
  };
  std::vector<Offer> offers;                 ///< [from * ranks + to]
  std::vector<char> hasEnded;                ///< each rank
  std::vector<std::condition_variable> wake; ///< of each rank
  std::optional<std::pair<uint32_t, Status>> failed;
  std::atomic<bool> hasFailed{false}; ///< without the mutex
};

/// One rank's way to the others of its world.
class ThreadTransport final : public Transport {
public:
  ThreadTransport(ThreadWorld &world, uint32_t rank) : world(world), rank(rank) {}
  Status exchange(std::span<const Message> sends, std::span<const Message> receives) override;
  Status check() override;
  void fail(const Status &why) override;

private:
  ThreadWorld::Offer &offer(size_t from, size_t to) { return world.offers[from * world.ranks + to]; }
  void failLocked(const Status &why);
  Status failEnded(uint32_t peer);
  Status receive(std::unique_lock<std::mutex> &lock, const Message &message);
  Status complete(std::unique_lock<std::mutex> &lock, uint32_t peer);

  ThreadWorld &world;
  const uint32_t rank;
};

/// TN7019: `rank` has failed.
Status failedElsewhere(uint32_t rank, const Status &why);
/// TN7020: a message has another size than expected.
Status wrongSize(uint32_t from, uint32_t to, int64_t found, int64_t expected);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_THREADTRANSPORT_H
