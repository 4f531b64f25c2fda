//===- Liveness.h - Who of the processes of a run is still there ----------===//
//
// MPI does not say that a process is gone. So every process keeps a connection to that of rank 0, by which it tells
// what went wrong, and that it leaves; an end of file without that means that it was killed. Rank 0 passes on what it
// hears. A thread of its own listens, so that what happens is known at once, whatever the others are doing.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_TRANSPORTS_MPI_LIVENESS_H
#define TENON_LIB_RUNTIME_TRANSPORTS_MPI_LIVENESS_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tenon::transport {

/// Where rank 0 listens, as all others need to know it. Plain bytes, to be broadcast.
struct Meeting {
  static constexpr int maxAddresses = 16;
  uint32_t addresses[maxAddresses]; ///< IPv4, network order; the loopback first
  uint32_t count;
  uint16_t port; ///< network order
  uint8_t token[16];
  char host[256]; ///< the loopback is for processes here
};

/// What went wrong first, as far as this process knows.
struct Failure {
  uint32_t rank;
  std::string why;
};

class Liveness {
public:
  ~Liveness();

  /// Rank 0 begins to listen. An error, or "".
  std::string listen(Meeting &meeting);
  /// Connects rank 0 with all others, which takes at most `maxConnectSeconds`. An error, or "".
  std::string connect(const Meeting &meeting, uint32_t rank, uint32_t size);

  /// Whether any process has failed or is gone. Cheap.
  bool hasFailed() const { return failed.load(std::memory_order_acquire); }
  /// What went wrong, where hasFailed().
  Failure failure();
  /// Whether `rank` has left, or all have.
  bool hasLeft(uint32_t rank) const { return left[rank].load(std::memory_order_acquire); }

  /// Tells all others that this process has failed.
  void fail(const std::string &why);
  /// Tells that this process leaves, and waits until all have, or one has failed. True if all have left.
  bool leave();

private:
  static constexpr int maxConnectSeconds = 30;
  enum class Kind : uint32_t { Hello = 0x54524e4bu, Failed, Left };
  struct Frame {
    Kind kind;
    uint32_t rank;
    uint32_t length; ///< of the text that follows
  };

  std::string acceptAll(const Meeting &meeting);
  std::string reach(const Meeting &meeting);
  void watch();
  bool read(uint32_t peer);
  void note(const Frame &frame, const std::string &text);
  void pass(const Frame &frame, const std::string &text, uint32_t except);
  bool allLeft() const;

  uint32_t rank = 0, size = 1;
  int listener = -1, wakeRead = -1, wakeWrite = -1;
  std::vector<int> sockets; ///< by rank; of others than rank 0 only that to it; -1: closed
  std::vector<std::atomic<bool>> left;
  std::atomic<bool> failed{false};
  std::mutex mutex; ///< of `first` and of writing
  std::condition_variable changed;
  Failure first{};
  std::thread watcher;
};

} // namespace tenon::transport

#endif // TENON_LIB_RUNTIME_TRANSPORTS_MPI_LIVENESS_H
