//===- RankRunner.cpp - Runs all ranks of a plan as threads ---------------===//
#include "RankRunner.h"

#include "Collective.h"
#include "ThreadTransport.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

namespace tenon::runtime {

unsigned RankRunner::threads() const {
  unsigned total = 0;
  for (const Rank &rank : ranks)
    total += std::max(rank.device->threads(), 1u);
  return total;
}

/// Lets the device of a rank meet those of the others.
Status RankRunner::introduce(Rank &rank, uint32_t number, Transport &transport) {
  const uint32_t count = processes ? processes->size() : uint32_t(ranks.size());
  auto devices = DeviceRanks::create(*rank.device, number, count, transport);
  if (!devices)
    return devices.takeStatus();
  std::lock_guard lock(meeting);
  rank.devices = std::move(*devices);
  return Status::success();
}

/// What waits on devices for a rank that has failed ends.
void RankRunner::abortDevices() {
  std::lock_guard lock(meeting);
  for (Rank &rank : ranks)
    if (rank.devices)
      rank.devices->abort();
}

/// One rank's part of a run; the others are told where it fails.
Expected<std::vector<Tensor>> RankRunner::runRank(Rank &rank, uint32_t number, Transport &transport,
                                                  const std::vector<Tensor> &inputs, Profile *profile,
                                                  std::span<const NamedTensor> into) {
  Status failure;
  try {
    if (!rank.device->sharesMemory() && !haveMet)
      failure = introduce(rank, number, transport);
    Communicator communicator(transport, rank.devices.get());
    if (failure.ok()) {
      auto outputs = rank.runner->run(inputs, profile, into, &communicator);
      if (outputs)
        return outputs;
      failure = outputs.takeStatus();
    }
  } catch (const std::bad_alloc &) {
    failure = Status::outOfMemory();
  }
  transport.fail(failure);
  return failure;
}

namespace {
/// Calls `react` once `hasFailed`, as long as it lives. The host cannot be in its devices' queues.
class Watch {
public:
  Watch(std::function<bool()> hasFailed, std::function<void()> react)
      : thread([this, hasFailed = std::move(hasFailed), react = std::move(react)] {
          std::unique_lock lock(mutex);
          while (!ended.wait_for(lock, std::chrono::milliseconds(20), [this] { return isOver; }))
            if (hasFailed())
              react();
        }) {}
  ~Watch() {
    {
      std::lock_guard lock(mutex);
      isOver = true;
    }
    ended.notify_all();
    thread.join();
  }

private:
  std::mutex mutex;
  std::condition_variable ended;
  bool isOver = false;
  std::thread thread;
};
} // namespace

/// Puts the events of all ranks into one profile.
static void join(std::vector<Profile> profiles, Profile &into) {
  for (uint32_t rank = 0; rank < profiles.size(); ++rank) {
    for (ProfileEvent &event : profiles[rank].events) {
      event.rank = rank;
      into.events.push_back(std::move(event));
    }
    into.total = std::max(into.total, profiles[rank].total);
  }
}

Expected<std::vector<Tensor>> RankRunner::run(const std::vector<Tensor> &inputs, Profile *profile,
                                              std::span<const NamedTensor> into) {
  const bool sharesMemory = ranks.front().device->sharesMemory();
  std::unique_lock lock(running, std::defer_lock);
  if (processes || !sharesMemory) // who meets on devices, or in one process each, does so in one order
    lock.lock();
  auto outputs = processes ? runProcess(inputs, profile, into) : runThreads(inputs, profile, into);
  if (sharesMemory)
    return outputs;
  haveMet = outputs.ok();
  if (!outputs)
    for (Rank &rank : ranks)
      rank.devices.reset();
  return outputs;
}

Expected<std::vector<Tensor>> RankRunner::runProcess(const std::vector<Tensor> &inputs, Profile *profile,
                                                     std::span<const NamedTensor> into) {
  Rank &rank = ranks.front();
  std::optional<Watch> watch;
  if (!rank.device->sharesMemory())
    watch.emplace([this] { return !processes->check().ok(); }, [this] { abortDevices(); });
  auto outputs = runRank(rank, number(), *processes, inputs, profile, into);
  if (outputs && profile)
    for (ProfileEvent &event : profile->events)
      event.rank = number();
  return outputs;
}

Expected<std::vector<Tensor>> RankRunner::runThreads(const std::vector<Tensor> &inputs, Profile *profile,
                                                     std::span<const NamedTensor> into) {
  ThreadWorld world(ranks.size());
  std::vector<Profile> profiles(ranks.size());
  auto run = [&](uint32_t rank) {
    ThreadTransport transport(world, rank);
    auto outputs = runRank(ranks[rank], rank, transport, inputs, profile ? &profiles[rank] : nullptr,
                           rank == 0 ? into : std::span<const NamedTensor>());
    world.end(rank);
    return outputs;
  };
  std::optional<Watch> watch;
  if (!ranks.front().device->sharesMemory())
    watch.emplace([&] { return world.failure().has_value(); }, [this] { abortDevices(); });
  std::vector<std::thread> threads;
  threads.reserve(ranks.size());
  try {
    for (uint32_t rank = 1; rank < ranks.size(); ++rank)
      threads.emplace_back([&run, rank] { (void)run(rank); });
  } catch (const std::system_error &) {
    ThreadTransport(world, uint32_t(threads.size()) + 1)
        .fail(Status::error("TN7015", "cannot start a thread for a rank"));
  }
  auto outputs = run(0);
  for (std::thread &thread : threads)
    thread.join();
  // Rank 0 may have ended before another failed.
  if (const auto failure = world.failure(); outputs.ok() && failure)
    return failedElsewhere(failure->first, failure->second);
  if (outputs && profile)
    join(std::move(profiles), *profile);
  return outputs;
}

} // namespace tenon::runtime
