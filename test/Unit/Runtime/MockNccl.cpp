//===- MockNccl.cpp - NCCL without a GPU ----------------------------------===//
//
// libmock_nccl.so, beside the mock driver ($TENON_CUDA_DRIVER): members are threads of one process. What they do waits
// in their streams, as the real work would, for f32 and bytes.
//
//===----------------------------------------------------------------------===//
#include "MockCuda.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

using tenon::test::MockCudaLibraries;

namespace {

constexpr int invalidUsage = 5, bytesType = 1, floatType = 7;
constexpr size_t elementBytes = 4;

const MockCudaLibraries &driver() {
  static const MockCudaLibraries functions = [] {
    void *library = dlopen(std::getenv("TENON_CUDA_DRIVER"), RTLD_NOW | RTLD_LOCAL);
    return reinterpret_cast<tenon::test::MockCudaLibrariesFunction>(dlsym(library, "tenon_mock_cuda_libraries"))();
  }();
  return functions;
}

/// A reduction that members are at.
struct Meeting {
  std::vector<const float *> sources;
  int arrived = 0, ended = 0;
};

/// Members of a communicator.
struct World {
  int size = 0, joined = 0;
  bool isAborted = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::pair<int, int>, std::deque<std::vector<char>>> mail; ///< by sender and receiver
  std::map<size_t, Meeting> meetings;                                ///< by number

  /// Waits until `condition` holds or somebody has aborted; then it is false.
  template <typename Condition>
  bool wait(std::unique_lock<std::mutex> &lock, Condition condition) {
    changed.notify_all();
    changed.wait(lock, [&] { return condition() || isAborted; });
    return !isAborted;
  }
};

struct Comm {
  std::shared_ptr<World> world;
  int rank = 0;
  size_t reductions = 0; ///< so far
};

using Step = std::function<bool()>; ///< false: aborted
struct Group {
  int depth = 0;
  void *stream = nullptr;
  std::string text;
  std::vector<Step> sends, steps; ///< what is sent is on its way before anything is waited for
};
thread_local Group group;

std::mutex worldsMutex;
std::map<uint64_t, std::shared_ptr<World>> worlds;

int flush() {
  if (group.sends.empty() && group.steps.empty())
    return 0;
  auto steps = std::move(group.sends);
  steps.insert(steps.end(), group.steps.begin(), group.steps.end());
  const int result = driver().enqueue(group.stream, group.text, [steps] {
    for (const Step &step : steps)
      if (!step())
        break;
    return true;
  });
  group = {group.depth, nullptr, "", {}, {}};
  return result ? invalidUsage : 0;
}

int add(void *stream, const std::string &text, Step step, bool isSend) {
  group.stream = stream;
  group.text += (group.text.empty() ? "" : ", ") + text;
  (isSend ? group.sends : group.steps).push_back(std::move(step));
  return group.depth == 0 ? flush() : 0;
}

void checkOwned(const void *pointer, size_t bytes) {
  if (!driver().owns(pointer, bytes))
    driver().violate("NCCL is given memory that is not of the device");
}

float combine(float a, float b, int op) {
  return op == 0 ? a + b : op == 1 ? a * b : op == 2 ? std::max(a, b) : std::min(a, b);
}

/// One reduction; `target` may be null.
int reduce(const void *source, void *target, size_t count, int type, int op, Comm *comm, void *stream,
           const std::string &text) {
  if (type != floatType)
    driver().violate("the mock reduces f32 only");
  checkOwned(source, count * elementBytes);
  if (target)
    checkOwned(target, count * elementBytes);
  const size_t number = comm->reductions++;
  auto world = comm->world;
  const int rank = comm->rank;
  return add(
      stream, text,
      [=] {
        std::unique_lock lock(world->mutex);
        Meeting &meeting = world->meetings[number];
        meeting.sources.resize(size_t(world->size));
        meeting.sources[size_t(rank)] = static_cast<const float *>(source);
        ++meeting.arrived;
        if (!world->wait(lock, [&] { return meeting.arrived == world->size; }))
          return false;
        for (size_t i = 0; target && i < count; ++i) {
          float total = meeting.sources[0][i];
          for (size_t k = 1; k < meeting.sources.size(); ++k)
            total = combine(total, meeting.sources[k][i], op);
          static_cast<float *>(target)[i] = total;
        }
        ++meeting.ended;
        return world->wait(lock, [&] { return meeting.ended == world->size; });
      },
      false);
}

} // namespace

extern "C" {
#pragma GCC visibility push(default)

struct UniqueId {
  char bytes[128];
};

const char *ncclGetErrorString(int) { return "invalid usage"; }

int ncclGetUniqueId(UniqueId *id) {
  static uint64_t next = 1;
  std::lock_guard lock(worldsMutex);
  std::memcpy(id->bytes, &next, sizeof(next));
  worlds[next++] = std::make_shared<World>();
  return 0;
}

int ncclCommInitRank(Comm **comm, int size, UniqueId id, int rank) {
  uint64_t number;
  std::memcpy(&number, id.bytes, sizeof(number));
  std::shared_ptr<World> world;
  {
    std::lock_guard lock(worldsMutex);
    if (!worlds.count(number) || rank < 0 || rank >= size)
      return invalidUsage;
    world = worlds[number];
  }
  *comm = new Comm{world, rank, 0};
  driver().count(1);
  std::unique_lock lock(world->mutex);
  world->size = size;
  ++world->joined;
  world->wait(lock, [&] { return world->joined == size; });
  return 0;
}

int ncclCommDestroy(Comm *comm) {
  delete comm;
  driver().count(-1);
  return 0;
}

int ncclCommAbort(Comm *comm) {
  {
    std::lock_guard lock(comm->world->mutex);
    comm->world->isAborted = true;
    comm->world->changed.notify_all();
  }
  return ncclCommDestroy(comm);
}

int ncclGroupStart() {
  ++group.depth;
  return 0;
}

int ncclGroupEnd() { return --group.depth == 0 ? flush() : 0; }

int ncclAllReduce(const void *source, void *target, size_t count, int type, int op, Comm *comm, void *stream) {
  return reduce(source, target, count, type, op, comm, stream, "all-reduce " + std::to_string(count));
}

int ncclReduce(const void *source, void *target, size_t count, int type, int op, int root, Comm *comm, void *stream) {
  if ((root == comm->rank) != (target != nullptr))
    driver().violate("the root alone has a result");
  return reduce(source, target, count, type, op, comm, stream,
                "reduce " + std::to_string(count) + " to " + std::to_string(root));
}

int ncclSend(const void *source, size_t bytes, int type, int peer, Comm *comm, void *stream) {
  if (type != bytesType || peer == comm->rank || peer < 0 || peer >= comm->world->size)
    driver().violate("a send to no other member");
  checkOwned(source, bytes);
  auto world = comm->world;
  const int rank = comm->rank;
  return add(
      stream, "send " + std::to_string(bytes) + " to " + std::to_string(peer),
      [=] {
        std::lock_guard lock(world->mutex);
        const char *data = static_cast<const char *>(source);
        world->mail[{rank, peer}].emplace_back(data, data + bytes);
        world->changed.notify_all();
        return true;
      },
      true);
}

int ncclRecv(void *target, size_t bytes, int type, int peer, Comm *comm, void *stream) {
  if (type != bytesType || peer == comm->rank || peer < 0 || peer >= comm->world->size)
    driver().violate("a receive from no other member");
  checkOwned(target, bytes);
  auto world = comm->world;
  const int rank = comm->rank;
  return add(
      stream, "receive " + std::to_string(bytes) + " from " + std::to_string(peer),
      [=] {
        std::unique_lock lock(world->mutex);
        auto &mail = world->mail[{peer, rank}];
        if (!world->wait(lock, [&] { return !mail.empty(); }))
          return false;
        if (mail.front().size() != bytes)
          driver().violate("a message of another size");
        else
          std::memcpy(target, mail.front().data(), bytes);
        mail.pop_front();
        return true;
      },
      false);
}

#pragma GCC visibility pop
}
