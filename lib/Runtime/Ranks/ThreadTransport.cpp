//===- ThreadTransport.cpp - Ranks as threads of one process --------------===//
//
// One mutex for all: it is held for as long as a pointer takes to write, copies happen without it. An offer stays while
// it is copied, so its sender is waiting; after a failure nobody waits for anything but a copy under way.
//
//===----------------------------------------------------------------------===//
#include "ThreadTransport.h"

#include <string>

namespace tenon::runtime {

Status failedElsewhere(uint32_t rank, const Status &why) {
  return Status::error("TN7019", "rank " + std::to_string(rank) + " has failed: " + why.str());
}

Status wrongSize(uint32_t from, uint32_t to, int64_t found, int64_t expected) {
  return Status::error("TN7020", "rank " + std::to_string(from) + " sends " + std::to_string(found) +
                                     " bytes to rank " + std::to_string(to) + ", which expects " +
                                     std::to_string(expected));
}

std::optional<std::pair<uint32_t, Status>> ThreadWorld::failure() {
  std::lock_guard lock(mutex);
  return failed;
}

void ThreadWorld::end(uint32_t rank) {
  std::lock_guard lock(mutex);
  hasEnded[rank] = true;
  for (std::condition_variable &each : wake)
    each.notify_all();
}

/// Ranks whose extents differ in a run disagree about how many messages there are.
Status ThreadTransport::failEnded(uint32_t peer) {
  Status status = Status::error("TN7020", "rank " + std::to_string(rank) + " waits for rank " + std::to_string(peer) +
                                              ", which has ended");
  failLocked(status);
  return status;
}

void ThreadTransport::failLocked(const Status &why) {
  if (!world.failed)
    world.failed = {rank, why};
  world.hasFailed = true;
  for (std::condition_variable &each : world.wake)
    each.notify_all();
}

Status ThreadTransport::check() {
  if (!world.hasFailed)
    return Status::success();
  const auto failure = world.failure();
  return failedElsewhere(failure->first, failure->second);
}

void ThreadTransport::fail(const Status &why) {
  std::lock_guard lock(world.mutex);
  failLocked(why);
}

/// Waits for what `message` is to hold, and copies it.
Status ThreadTransport::receive(std::unique_lock<std::mutex> &lock, const Message &message) {
  ThreadWorld::Offer &from = offer(message.peer, rank);
  world.wake[rank].wait(lock, [&] { return from.strips || world.failed || world.hasEnded[message.peer]; });
  if (world.failed)
    return failedElsewhere(world.failed->first, world.failed->second);
  if (!from.strips)
    return failEnded(message.peer);
  if (from.strips->total() != message.strips.total()) {
    Status status = wrongSize(message.peer, rank, from.strips->total(), message.strips.total());
    failLocked(status);
    return status;
  }
  from.isCopied = true;
  lock.unlock();
  copyStrips(*from.strips, message.strips);
  lock.lock();
  from = {};
  world.wake[message.peer].notify_all();
  return Status::success();
}

/// Waits until `peer` has copied what it was offered. After a failure the offer is taken back.
Status ThreadTransport::complete(std::unique_lock<std::mutex> &lock, uint32_t peer) {
  ThreadWorld::Offer &to = offer(rank, peer);
  world.wake[rank].wait(lock, [&] { return !to.strips || ((world.failed || world.hasEnded[peer]) && !to.isCopied); });
  if (!to.strips)
    return Status::success();
  to = {};
  if (!world.failed)
    return failEnded(peer);
  return failedElsewhere(world.failed->first, world.failed->second);
}

Status ThreadTransport::exchange(std::span<const Message> sends, std::span<const Message> receives) {
  std::unique_lock lock(world.mutex);
  for (const Message &message : sends) {
    offer(rank, message.peer).strips = &message.strips;
    world.wake[message.peer].notify_all();
  }
  Status status;
  for (size_t i = 0; status.ok() && i < receives.size(); ++i)
    status = receive(lock, receives[i]);
  for (const Message &message : sends) // even after an error: the offers point here
    if (Status done = complete(lock, message.peer); status.ok())
      status = std::move(done);
  return status;
}

} // namespace tenon::runtime
