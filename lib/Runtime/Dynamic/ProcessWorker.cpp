//===- ProcessWorker.cpp - A session in a process of its own --------------===//
#include "ProcessWorker.h"

#include "SharedSlot.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tenon::runtime {

// An answer: one of these, then tensors, or the texts of an error: of each its length in bytes, and its bytes.
enum Answer : int64_t { Done = 0, Failed = 1 };

//===----------------------------------------------------------------------===//
// Errors in messages
//===----------------------------------------------------------------------===//

static constexpr size_t longestText = 8192;

static std::vector<int64_t> describe(const Status &status) {
  const ErrorInfo &error = status.error();
  std::vector<int64_t> message{Failed};
  for (std::string text : {error.code, error.message, error.node, error.remedy}) {
    text.resize(std::min(text.size(), longestText));
    message.push_back(int64_t(text.size()));
    const size_t at = message.size();
    message.resize(at + (text.size() + 7) / 8);
    if (!text.empty())
      std::memcpy(&message[at], text.data(), text.size());
  }
  return message;
}

static Status lost(const std::string &why) { return Status::error("TN7031", why); }

static Status toStatus(std::span<const int64_t> message) {
  std::string texts[4];
  size_t at = 1;
  for (std::string &text : texts) {
    if (at >= message.size() || message[at] < 0 || size_t(message[at]) > longestText ||
        (size_t(message[at]) + 7) / 8 > message.size() - at - 1)
      return lost("a worker sent what it should not");
    text.assign(reinterpret_cast<const char *>(&message[at] + 1), size_t(message[at]));
    at += 1 + (text.size() + 7) / 8;
  }
  return Status::error(texts[0], texts[1], texts[2], texts[3]);
}

//===----------------------------------------------------------------------===//
// The process
//===----------------------------------------------------------------------===//

static std::vector<int64_t> answer(Session &session, SharedSlot &slot, std::span<const int64_t> message) {
  auto inputs = slot.get(message);
  if (!inputs)
    return describe(lost("a worker was sent what it should not"));
  auto outputs = session.run(*inputs);
  if (!outputs)
    return describe(outputs.status());
  std::vector<int64_t> reply{Done};
  // Results may be views of inputs, which lie where they are put.
  for (Tensor &tensor : *outputs)
    for (const Tensor &input : *inputs)
      if (tensor.data == input.data && tensor.bytes() > 0) {
        auto copy = Tensor::allocate(tensor.type, tensor.dims);
        if (!copy)
          return describe(copy.status());
        std::memcpy(copy->data.get(), tensor.data.get(), size_t(tensor.bytes()));
        tensor = std::move(*copy);
      }
  Status placed = slot.put(*outputs, reply);
  return placed.ok() ? reply : describe(placed);
}

/// What a worker does until nobody is there to ask it.
static void serve(std::shared_ptr<const plan::Container> container, const SessionOptions &options, int socket,
                  int memory) {
  SharedSlot slot(memory);
  auto session = Session::create(std::move(container), options);
  while (auto message = receiveMessage(socket)) {
    const std::vector<int64_t> reply = session ? answer(**session, slot, *message) : describe(session.status());
    if (!sendMessage(socket, reply))
      return;
  }
}

//===----------------------------------------------------------------------===//
// Its owner
//===----------------------------------------------------------------------===//

namespace {
class ProcessWorker final : public BatchWorker {
public:
  ProcessWorker(pid_t process, int socket, int memory) : pid(process), socket(socket), slot(memory) {}

  ~ProcessWorker() override {
    stop();
    close(socket);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
      ;
  }

  Status load(std::span<const Tensor> inputs) override {
    request.clear();
    return slot.put(inputs, request);
  }

  Expected<std::vector<Tensor>> compute() override {
    if (!sendMessage(socket, request))
      return lost(gone());
    auto reply = receiveMessage(socket);
    if (!reply)
      return lost(gone());
    if (reply->front() != Done)
      return toStatus(*reply);
    auto outputs = slot.get(std::span(*reply).subspan(1));
    if (!outputs)
      return lost("a worker sent what it should not");
    return std::move(*outputs);
  }

  void stop() override {
    kill(pid, SIGKILL); // it is waited for in the destructor alone, so the number is still its own
    shutdown(socket, SHUT_RDWR);
  }

  int process() const override { return pid; }

private:
  std::string gone() const { return "the worker process " + std::to_string(pid) + " has ended"; }

  const pid_t pid;
  const int socket;
  SharedSlot slot;
  std::vector<int64_t> request;
};
} // namespace

Expected<std::unique_ptr<BatchWorker>> startProcessWorker(std::shared_ptr<const plan::Container> container,
                                                          const SessionOptions &options) {
  int sockets[2];
  // Closed in what other threads execute. Workers that are forked later inherit it: they close all that is not theirs.
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    return Status::error("TN7015", std::string("a worker process cannot be started: ") + std::strerror(errno));
  const int memory = memfd_create("tenon-worker", MFD_CLOEXEC);
  const pid_t process = memory < 0 ? -1 : fork();
  if (process < 0) {
    const std::string why = std::strerror(errno);
    for (int file : {sockets[0], sockets[1], memory})
      if (file >= 0)
        close(file);
    return Status::error("TN7015", "a worker process cannot be started: " + why);
  }
  if (process == 0) {
    // Sockets of other workers, too: while this process has them, those would not see their owner go.
    const int keep = sockets[1];
    for (int file = 3, last = int(sysconf(_SC_OPEN_MAX)); file < std::min(last, 65536); ++file)
      if (file != keep && file != memory) {
        int type = 0;
        socklen_t size = sizeof(type);
        if (getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
          close(file);
      }
    try {
      serve(std::move(container), options, keep, memory);
    } catch (...) { // out of memory: its owner sees it end
    }
    _exit(0);
  }
  close(sockets[1]);
  return std::unique_ptr<BatchWorker>(new ProcessWorker(process, sockets[0], memory));
}

} // namespace tenon::runtime
