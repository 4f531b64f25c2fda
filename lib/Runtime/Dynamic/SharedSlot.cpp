//===- SharedSlot.cpp - Tensors in memory that two processes share --------===//
#include "SharedSlot.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tenon::runtime {

// A message: count of tensors; of each its type, offset, rank and dims.
static constexpr int64_t alignment = 64, maxRank = 64;
static constexpr size_t maxMessage = 16384; // words: beyond what any model's inputs and outputs take

static int64_t aligned(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

SharedSlot::~SharedSlot() {
  if (memory)
    munmap(memory, size_t(mapped));
  if (file >= 0)
    close(file);
}

/// Maps the first `bytes` of the file, which must have them.
bool SharedSlot::map(int64_t bytes) {
  if (bytes <= mapped)
    return true;
  if (memory)
    munmap(memory, size_t(mapped));
  memory = nullptr;
  mapped = 0;
  void *address = mmap(nullptr, size_t(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (address == MAP_FAILED)
    return false;
  memory = static_cast<char *>(address);
  mapped = bytes;
  return true;
}

Status SharedSlot::put(std::span<const Tensor> tensors, std::vector<int64_t> &message) {
  int64_t total = 0;
  for (const Tensor &tensor : tensors)
    total += aligned(tensor.bytes());
  if (total > mapped) {
    // The other side may have made it larger.
    struct stat found;
    const bool isLarge = fstat(file, &found) == 0 && found.st_size >= total;
    if ((!isLarge && ftruncate(file, total) != 0) || !map(total))
      return Status::error("TN7011", "no " + std::to_string(total) + " bytes of memory to share with a worker");
  }
  message.push_back(int64_t(tensors.size()));
  int64_t offset = 0;
  for (const Tensor &tensor : tensors) {
    if (tensor.bytes() > 0)
      std::memcpy(memory + offset, tensor.data.get(), size_t(tensor.bytes()));
    message.push_back(int64_t(tensor.type));
    message.push_back(offset);
    message.push_back(int64_t(tensor.dims.size()));
    message.insert(message.end(), tensor.dims.begin(), tensor.dims.end());
    offset += aligned(tensor.bytes());
  }
  return Status::success();
}

std::optional<std::vector<Tensor>> SharedSlot::get(std::span<const int64_t> message) {
  struct stat found;
  if (message.empty() || message[0] < 0 || fstat(file, &found) != 0)
    return std::nullopt;
  std::vector<Tensor> tensors;
  size_t at = 1;
  for (int64_t i = 0; i < message[0]; ++i) {
    if (message.size() < at + 3 || message[at] < 0 || message[at] >= int64_t(numElementTypes) || message[at + 2] < 0 ||
        message[at + 2] > maxRank)
      return std::nullopt;
    const int64_t offset = message[at + 1];
    const size_t rank = size_t(message[at + 2]);
    if (message.size() < at + 3 + rank)
      return std::nullopt;
    Tensor tensor;
    tensor.type = ElementType(message[at]);
    tensor.dims.assign(message.begin() + long(at) + 3, message.begin() + long(at + 3 + rank));
    at += 3 + rank;
    const int64_t bytes = tensor.bytes();
    if (bytes < 0 || offset < 0 || offset > found.st_size || bytes > found.st_size - offset || !map(offset + bytes))
      return std::nullopt;
    tensors.push_back(std::move(tensor));
    tensors.back().data = std::shared_ptr<void>(std::shared_ptr<void>(), reinterpret_cast<void *>(offset));
  }
  // Only now: mapping more may have moved the memory.
  for (Tensor &tensor : tensors)
    tensor.data =
        std::shared_ptr<void>(std::shared_ptr<void>(), memory + reinterpret_cast<intptr_t>(tensor.data.get()));
  return tensors;
}

bool sendMessage(int socket, std::span<const int64_t> message) {
  ssize_t sent;
  do
    sent = send(socket, message.data(), message.size_bytes(), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == ssize_t(message.size_bytes());
}

std::optional<std::vector<int64_t>> receiveMessage(int socket) {
  std::vector<int64_t> message(maxMessage);
  ssize_t received;
  do
    received = recv(socket, message.data(), message.size() * sizeof(int64_t), 0);
  while (received < 0 && errno == EINTR);
  if (received <= 0 || received % ssize_t(sizeof(int64_t)) != 0)
    return std::nullopt;
  message.resize(size_t(received) / sizeof(int64_t));
  return message;
}

} // namespace tenon::runtime
