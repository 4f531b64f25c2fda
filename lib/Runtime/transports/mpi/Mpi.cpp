//===- Mpi.cpp - Ranks as processes of MPI --------------------------------===//
//
// Messages of tenon-c/transport.h as point-to-point messages of MPI, without its collectives: reductions are ours, so
// that their order is. While messages are under way the processes' connections beside MPI are watched (Liveness.h), as
// MPI waits for ever for a process that is gone.
//
//===----------------------------------------------------------------------===//
#include "Liveness.h"
#include "tenon-c/transport.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mpi.h>
#include <mutex>
#include <thread>
#include <vector>

using tenon::transport::Failure;
using tenon::transport::Liveness;
using tenon::transport::Meeting;

struct TenonTransport {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;
  std::atomic<bool> isBroken =
      false; ///< MPI reported an error, or messages are still under way: it is not called again
  Liveness liveness;
};

namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t maxPiece = int64_t(1) << 30; // counts are ints
constexpr int tag = 7;
// How long a process that has left may keep others waiting: what it sent has been on its way since before.
constexpr std::chrono::seconds graceOfLeft(2);
constexpr int defaultStartSeconds = 30;
bool wasOpened = false; // MPI starts once in a process

int fail(TenonTransportError *error, int code, uint32_t rank, const std::string &message) {
  error->rank = rank;
  std::snprintf(error->message, sizeof(error->message), "%s", message.c_str());
  return code;
}

int failElsewhere(TenonTransport &t, TenonTransportError *error) {
  t.isBroken = true;
  const Failure failure = t.liveness.failure();
  return fail(error, TENON_TRANSPORT_ELSEWHERE, failure.rank, failure.why);
}

std::string describe(int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  return std::string(text, size_t(length));
}

/// Starts MPI and meets the other processes. Null, and why, where that fails.
std::unique_ptr<TenonTransport> join(std::string &why) {
  // Copies out of the memory of a process that is gone do not end well.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
  int provided = 0;
  if (int code = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided); code != MPI_SUCCESS) {
    why = "MPI does not start: " + describe(code);
    return nullptr;
  }
  auto t = std::make_unique<TenonTransport>();
  MPI_Comm_dup(MPI_COMM_WORLD, &t->comm);
  MPI_Comm_set_errhandler(t->comm, MPI_ERRORS_RETURN);
  MPI_Comm_rank(t->comm, &t->rank);
  MPI_Comm_size(t->comm, &t->size);
  Meeting meeting{};
  why = provided < MPI_THREAD_SERIALIZED ? "this MPI is for one thread only"
        : t->rank == 0                   ? t->liveness.listen(meeting)
                                         : "";
  MPI_Bcast(&meeting, int(sizeof(meeting)), MPI_BYTE, 0, t->comm);
  if (why.empty())
    why = t->liveness.connect(meeting, uint32_t(t->rank), uint32_t(t->size));
  return why.empty() ? std::move(t) : nullptr;
}

/// What the thread that joins leaves for who waits for it.
struct Joining {
  std::mutex mutex;
  std::condition_variable ended;
  bool hasEnded = false;
  std::unique_ptr<TenonTransport> transport;
  std::string why;
};

/// MPI waits for ever for a process that was killed before all have started, so another thread does that waiting.
int open(TenonTransport **out, TenonTransportError *error) {
  if (wasOpened)
    return fail(error, TENON_TRANSPORT_BROKEN, 0, "a process has one session with ranks as processes, and has had it");
  wasOpened = true;
  auto joining = std::make_shared<Joining>();
  std::thread([joining] {
    std::string why;
    auto transport = join(why);
    std::lock_guard lock(joining->mutex);
    joining->transport = std::move(transport);
    joining->why = why;
    joining->hasEnded = true;
    joining->ended.notify_all();
  }).detach();
  const char *variable = std::getenv("TENON_MPI_START_SECONDS");
  const int seconds = variable ? std::max(std::atoi(variable), 1) : defaultStartSeconds;
  std::unique_lock lock(joining->mutex);
  if (!joining->ended.wait_for(lock, std::chrono::seconds(seconds), [&] { return joining->hasEnded; }))
    return fail(error, TENON_TRANSPORT_BROKEN, 0,
                "not all processes have started within " + std::to_string(seconds) +
                    " s ($TENON_MPI_START_SECONDS): one may have been killed");
  if (!joining->transport)
    return fail(error, TENON_TRANSPORT_BROKEN, 0, joining->why);
  *out = joining->transport.release();
  return 0;
}

void close(TenonTransport *t) {
  if (!t->isBroken && t->liveness.leave())
    MPI_Finalize(); // otherwise it would wait for who is gone
  delete t;
}

/// Gives way to others: first to threads of this process, then to other processes.
void idle(Clock::time_point begin) {
  const auto waited = Clock::now() - begin;
  if (waited > std::chrono::milliseconds(2))
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  else if (waited > std::chrono::microseconds(50))
    std::this_thread::yield();
}

/// The messages of one exchange on their way.
struct Traffic {
  std::vector<MPI_Request> requests;
  std::vector<MPI_Status> statuses;
  std::vector<uint32_t> peers;
  std::vector<int> expected; ///< bytes of a receive; -1 of a send
};

int start(TenonTransport &t, const TenonTransportMessage &message, bool isSend, Traffic &traffic) {
  int64_t offset = 0;
  do { // a message without bytes is one, too
    const int bytes = int(std::min(message.bytes - offset, maxPiece));
    char *data = static_cast<char *>(message.data) + offset;
    traffic.requests.push_back(MPI_REQUEST_NULL);
    traffic.peers.push_back(message.peer);
    traffic.expected.push_back(isSend ? -1 : bytes);
    const int code = isSend
                         ? MPI_Isend(data, bytes, MPI_BYTE, int(message.peer), tag, t.comm, &traffic.requests.back())
                         : MPI_Irecv(data, bytes, MPI_BYTE, int(message.peer), tag, t.comm, &traffic.requests.back());
    if (code != MPI_SUCCESS)
      return code;
    offset += bytes;
  } while (offset < message.bytes);
  return MPI_SUCCESS;
}

/// Waits until all has arrived. A TENON_TRANSPORT_ code.
int complete(TenonTransport &t, Traffic &traffic, TenonTransportError *error) {
  const Clock::time_point begin = Clock::now();
  traffic.statuses.resize(traffic.requests.size());
  std::vector<MPI_Request> pending = traffic.requests;
  Clock::time_point leftSince{};
  for (int isDone = 0; !isDone;) {
    const int code = MPI_Testall(int(pending.size()), pending.data(), &isDone, traffic.statuses.data());
    if (code == MPI_ERR_IN_STATUS)
      return 0; // of a single message: see below
    if (code != MPI_SUCCESS)
      return fail(error, TENON_TRANSPORT_BROKEN, uint32_t(t.rank), "MPI reports: " + describe(code));
    if (isDone)
      return 0;
    if (t.liveness.hasFailed())
      return failElsewhere(t, error);
    const auto gone = std::find_if(traffic.peers.begin(), traffic.peers.end(),
                                   [&](uint32_t peer) { return t.liveness.hasLeft(peer); });
    if (gone != traffic.peers.end()) {
      leftSince = leftSince == Clock::time_point() ? Clock::now() : leftSince;
      if (Clock::now() - leftSince > graceOfLeft)
        return fail(error, TENON_TRANSPORT_ELSEWHERE, *gone, "it has ended before this run");
    }
    idle(begin);
  }
  return 0;
}

/// Sizes of what has arrived. Statuses have an error only where MPI said so.
int check(TenonTransport &t, const Traffic &traffic, TenonTransportError *error) {
  for (size_t i = 0; i < traffic.requests.size(); ++i) {
    if (traffic.expected[i] < 0)
      continue;
    int count = 0;
    const MPI_Status &status = traffic.statuses[i];
    const bool isCut = status.MPI_ERROR == MPI_ERR_TRUNCATE;
    if (!isCut)
      MPI_Get_count(&status, MPI_BYTE, &count);
    if (status.MPI_ERROR != MPI_SUCCESS && !isCut)
      return fail(error, TENON_TRANSPORT_BROKEN, uint32_t(t.rank), "MPI reports: " + describe(status.MPI_ERROR));
    if (isCut || count != traffic.expected[i])
      return fail(error, TENON_TRANSPORT_SIZE, traffic.peers[i],
                  "rank " + std::to_string(t.rank) + " expects " + std::to_string(traffic.expected[i]) +
                      " bytes of rank " + std::to_string(traffic.peers[i]) + ", which sends " +
                      (isCut ? "more" : std::to_string(count)));
  }
  return 0;
}

int checkNow(TenonTransport *t, TenonTransportError *error) {
  return t->liveness.hasFailed() ? failElsewhere(*t, error) : 0;
}

int exchange(TenonTransport *t, const TenonTransportMessage *sends, size_t numSends,
             const TenonTransportMessage *receives, size_t numReceives, TenonTransportError *error) {
  if (t->liveness.hasFailed())
    return failElsewhere(*t, error);
  if (t->isBroken)
    return fail(error, TENON_TRANSPORT_BROKEN, uint32_t(t->rank), "an earlier run has failed");
  Traffic traffic;
  int code = MPI_SUCCESS;
  for (size_t i = 0; code == MPI_SUCCESS && i < numReceives; ++i)
    code = start(*t, receives[i], /*isSend=*/false, traffic);
  for (size_t i = 0; code == MPI_SUCCESS && i < numSends; ++i)
    code = start(*t, sends[i], /*isSend=*/true, traffic);
  int result = code == MPI_SUCCESS
                   ? complete(*t, traffic, error)
                   : fail(error, TENON_TRANSPORT_BROKEN, uint32_t(t->rank), "MPI reports: " + describe(code));
  if (result == 0)
    result = check(*t, traffic, error);
  if (result != 0)
    t->isBroken = true;
  return result;
}

const TenonTransportApi api = {
    TENON_TRANSPORT_VERSION,
    open,
    close,
    [](const TenonTransport *t) { return uint32_t(t->rank); },
    [](const TenonTransport *t) { return uint32_t(t->size); },
    exchange,
    checkNow,
    [](TenonTransport *t, const char *why) {
      t->isBroken = true;
      t->liveness.fail(why);
    },
};

} // namespace

extern "C" __attribute__((visibility("default"))) const TenonTransportApi *tenon_transport_api(uint32_t version) {
  return version == TENON_TRANSPORT_VERSION ? &api : nullptr;
}
