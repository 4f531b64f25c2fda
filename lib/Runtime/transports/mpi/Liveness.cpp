//===- Liveness.cpp - Who of the processes of a run is still there --------===//
#include "Liveness.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tenon::transport {

namespace {

using Clock = std::chrono::steady_clock;
constexpr uint32_t maxText = 4096;

std::string systemError(const char *what) { return std::string(what) + ": " + std::strerror(errno); }

/// Milliseconds until `deadline`, at least 0.
int left(Clock::time_point deadline) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return int(std::max<long long>(ms, 0));
}

bool waitFor(int socket, short events, Clock::time_point deadline) {
  pollfd entry{socket, events, 0};
  int ready = 0;
  do
    ready = poll(&entry, 1, left(deadline));
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

/// Writes all of it; false where the other side is gone.
bool writeAll(int socket, const void *data, size_t bytes) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    const ssize_t written = send(socket, next, bytes, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    next += written;
    bytes -= size_t(written);
  }
  return true;
}

/// Reads all of it, waiting at most until `deadline`.
bool readAll(int socket, void *data, size_t bytes, Clock::time_point deadline) {
  char *next = static_cast<char *>(data);
  while (bytes > 0) {
    if (!waitFor(socket, POLLIN, deadline))
      return false;
    const ssize_t got = recv(socket, next, bytes, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    next += got;
    bytes -= size_t(got);
  }
  return true;
}

/// A machine that is gone says nothing: after four seconds without an answer the connection counts as closed.
void keepAlive(int socket) {
  const int on = 1, seconds = 1, probes = 3;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void close(int &descriptor) {
  if (descriptor >= 0)
    ::close(descriptor);
  descriptor = -1;
}

} // namespace

Liveness::~Liveness() {
  if (watcher.joinable()) {
    (void)!write(wakeWrite, "", 1);
    watcher.join();
  }
  for (int &socket : sockets)
    close(socket);
  for (int *descriptor : {&listener, &wakeRead, &wakeWrite})
    close(*descriptor);
}

std::string Liveness::listen(Meeting &meeting) {
  meeting = {};
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t length = sizeof(address);
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr *>(&address), length) != 0 ||
      ::listen(listener, 128) != 0 || getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length) != 0)
    return systemError("cannot listen for other processes");
  meeting.port = address.sin_port;
  if (getrandom(meeting.token, sizeof(meeting.token), 0) != ssize_t(sizeof(meeting.token)) ||
      gethostname(meeting.host, sizeof(meeting.host) - 1) != 0)
    return systemError("cannot make a name for the processes of this run");
  meeting.addresses[meeting.count++] = htonl(INADDR_LOOPBACK);
  ifaddrs *interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0)
    return systemError("cannot list the addresses of this machine");
  for (ifaddrs *each = interfaces; each && meeting.count < Meeting::maxAddresses; each = each->ifa_next)
    if (each->ifa_addr && each->ifa_addr->sa_family == AF_INET && !(each->ifa_flags & IFF_LOOPBACK))
      meeting.addresses[meeting.count++] = reinterpret_cast<sockaddr_in *>(each->ifa_addr)->sin_addr.s_addr;
  freeifaddrs(interfaces);
  return {};
}

/// Of rank 0: takes the connections of all others.
std::string Liveness::acceptAll(const Meeting &meeting) {
  const auto deadline = Clock::now() + std::chrono::seconds(maxConnectSeconds);
  for (uint32_t missing = size - 1; missing > 0;) {
    if (!waitFor(listener, POLLIN, deadline))
      return std::to_string(missing) + " processes have not called within " + std::to_string(maxConnectSeconds) + " s";
    int caller = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    Frame hello{};
    uint8_t token[sizeof(meeting.token)];
    const auto soon = Clock::now() + std::chrono::seconds(2); // whoever else may call
    const bool isOurs = caller >= 0 && readAll(caller, &hello, sizeof(hello), soon) &&
                        readAll(caller, token, sizeof(token), soon) && hello.kind == Kind::Hello &&
                        std::memcmp(token, meeting.token, sizeof(token)) == 0 && hello.rank > 0 && hello.rank < size &&
                        sockets[hello.rank] < 0;
    if (!isOurs) {
      close(caller);
      continue;
    }
    keepAlive(caller);
    sockets[hello.rank] = caller;
    --missing;
  }
  close(listener);
  return {};
}

/// Of the others: connects to rank 0.
std::string Liveness::reach(const Meeting &meeting) {
  char host[sizeof(meeting.host)] = {};
  gethostname(host, sizeof(host) - 1);
  const bool isHere = std::strncmp(host, meeting.host, sizeof(host)) == 0;
  for (uint32_t i = isHere ? 0 : 1; i < std::min<uint32_t>(meeting.count, Meeting::maxAddresses); ++i) {
    int candidate = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = meeting.port;
    address.sin_addr.s_addr = meeting.addresses[i];
    const int started = ::connect(candidate, reinterpret_cast<sockaddr *>(&address), sizeof(address));
    int error = started == 0 ? 0 : errno;
    if (error == EINPROGRESS && waitFor(candidate, POLLOUT, Clock::now() + std::chrono::seconds(3))) {
      socklen_t length = sizeof(error);
      getsockopt(candidate, SOL_SOCKET, SO_ERROR, &error, &length);
    }
    const Frame hello{Kind::Hello, rank, sizeof(meeting.token)};
    fcntl(candidate, F_SETFL, 0); // blocking from here on
    if (error == 0 && writeAll(candidate, &hello, sizeof(hello)) &&
        writeAll(candidate, meeting.token, sizeof(meeting.token))) {
      keepAlive(candidate);
      sockets[0] = candidate;
      return {};
    }
    close(candidate);
  }
  return "rank " + std::to_string(rank) + " cannot reach rank 0 on " + std::string(meeting.host);
}

std::string Liveness::connect(const Meeting &meeting, uint32_t ownRank, uint32_t count) {
  rank = ownRank;
  size = count;
  sockets.assign(size, -1);
  left = std::vector<std::atomic<bool>>(size);
  int wake[2];
  if (pipe2(wake, O_CLOEXEC) != 0)
    return systemError("cannot make a pipe");
  wakeRead = wake[0];
  wakeWrite = wake[1];
  if (std::string error = rank == 0 ? acceptAll(meeting) : reach(meeting); !error.empty())
    return error;
  watcher = std::thread([this] { watch(); });
  return {};
}

bool Liveness::allLeft() const {
  return std::all_of(left.begin(), left.end(), [](const auto &each) { return each.load(); });
}

/// Writes a frame to every peer but one.
void Liveness::pass(const Frame &frame, const std::string &text, uint32_t except) {
  std::lock_guard lock(mutex);
  for (uint32_t peer = 0; peer < size; ++peer)
    if (peer != except && sockets[peer] >= 0 && writeAll(sockets[peer], &frame, sizeof(frame)))
      writeAll(sockets[peer], text.data(), text.size());
}

/// Keeps what a frame says; the first failure counts.
void Liveness::note(const Frame &frame, const std::string &text) {
  std::lock_guard lock(mutex);
  if (frame.kind == Kind::Left) {
    left[frame.rank] = true;
  } else if (!failed) {
    first = {frame.rank, text};
    failed.store(true, std::memory_order_release);
  }
  changed.notify_all();
}

/// Reads one frame. False where the connection has ended.
bool Liveness::read(uint32_t peer) {
  const auto soon = Clock::now() + std::chrono::seconds(2);
  Frame frame{};
  if (!readAll(sockets[peer], &frame, sizeof(frame), soon) || frame.length > maxText || frame.rank >= size ||
      (frame.kind != Kind::Failed && frame.kind != Kind::Left))
    return false;
  std::string text(frame.length, '\0');
  if (!readAll(sockets[peer], text.data(), text.size(), soon))
    return false;
  note(frame, text);
  if (rank == 0)
    pass(frame, text, peer);
  return true;
}

void Liveness::watch() {
  std::vector<pollfd> entries;
  std::vector<uint32_t> peers;
  while (true) {
    entries.assign(1, {wakeRead, POLLIN, 0});
    peers.assign(1, rank);
    for (uint32_t peer = 0; peer < size; ++peer)
      if (sockets[peer] >= 0) {
        entries.push_back({sockets[peer], POLLIN, 0});
        peers.push_back(peer);
      }
    if (poll(entries.data(), nfds_t(entries.size()), -1) < 0)
      continue; // interrupted
    if (entries[0].revents)
      return;
    for (size_t i = 1; i < entries.size(); ++i) {
      const uint32_t peer = peers[i];
      if (!entries[i].revents || read(peer))
        continue;
      {
        std::lock_guard lock(mutex);
        close(sockets[peer]);
      }
      if (left[peer])
        continue;
      const std::string why = "its process is gone: it was killed, or has crashed";
      const Frame gone{Kind::Failed, peer, uint32_t(why.size())};
      note(gone, why);
      if (rank == 0)
        pass(gone, why, peer);
    }
  }
}

Failure Liveness::failure() {
  std::lock_guard lock(mutex);
  return first;
}

void Liveness::fail(const std::string &why) {
  const std::string text = why.substr(0, maxText);
  const Frame frame{Kind::Failed, rank, uint32_t(text.size())};
  note(frame, text);
  pass(frame, text, rank);
}

bool Liveness::leave() {
  const Frame frame{Kind::Left, rank, 0};
  note(frame, "");
  pass(frame, "", rank);
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return failed || allLeft(); });
  return !failed;
}

} // namespace tenon::transport
