//===- RankRunner.cpp - Runs all ranks of a plan as threads ---------------===//
#include "RankRunner.h"

#include "Collective.h"
#include "ThreadTransport.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <thread>

namespace tenon::runtime {

unsigned RankRunner::threads() const {
  unsigned total = 0;
  for (const Rank &rank : ranks)
    total += std::max(rank.device->threads(), 1u);
  return total;
}

/// One rank's part of a run; the others are told where it fails.
static Expected<std::vector<Tensor>> runRank(FunctionRunner &runner, Transport &transport,
                                             const std::vector<Tensor> &inputs, Profile *profile,
                                             std::span<const NamedTensor> into) {
  Status failure;
  try {
    Communicator communicator(transport);
    auto outputs = runner.run(inputs, profile, into, &communicator);
    if (outputs)
      return outputs;
    failure = outputs.takeStatus();
  } catch (const std::bad_alloc &) {
    failure = Status::outOfMemory();
  }
  transport.fail(failure);
  return failure;
}

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

Expected<std::vector<Tensor>> RankRunner::runProcess(const std::vector<Tensor> &inputs, Profile *profile,
                                                     std::span<const NamedTensor> into) {
  std::lock_guard lock(running);
  auto outputs = runRank(*ranks.front().runner, *processes, inputs, profile, into);
  if (outputs && profile)
    for (ProfileEvent &event : profile->events)
      event.rank = number();
  return outputs;
}

Expected<std::vector<Tensor>> RankRunner::run(const std::vector<Tensor> &inputs, Profile *profile,
                                              std::span<const NamedTensor> into) {
  if (processes)
    return runProcess(inputs, profile, into);
  ThreadWorld world(ranks.size());
  std::vector<Profile> profiles(ranks.size());
  auto run = [&](uint32_t rank) {
    ThreadTransport transport(world, rank);
    return runRank(*ranks[rank].runner, transport, inputs, profile ? &profiles[rank] : nullptr,
                   rank == 0 ? into : std::span<const NamedTensor>());
  };
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
