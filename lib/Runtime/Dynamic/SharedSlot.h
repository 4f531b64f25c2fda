//===- SharedSlot.h - Tensors in memory that two processes share ----------===//
//
// A slot is an anonymous file that both map; it grows when tensors need more. Messages say where tensors lie: a socket
// carries those, and tells either side that the other is gone.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_DYNAMIC_SHAREDSLOT_H
#define TENON_LIB_RUNTIME_DYNAMIC_SHAREDSLOT_H

#include "tenon/Plan/Status.h"
#include "tenon/Runtime/Tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tenon::runtime {

class SharedSlot {
public:
  /// Takes a file descriptor of memory, which it closes; -1: none.
  explicit SharedSlot(int file) : file(file) {}
  ~SharedSlot();
  SharedSlot(const SharedSlot &) = delete;
  SharedSlot &operator=(const SharedSlot &) = delete;

  /// Copies tensors into the slot and appends to `message` where they lie. TN7011 where it cannot grow.
  Status put(std::span<const Tensor> tensors, std::vector<int64_t> &message);
  /// The tensors of a message from `at` on, in the slot; nothing where the message does not describe tensors in it.
  std::optional<std::vector<Tensor>> get(std::span<const int64_t> message);

private:
  bool map(int64_t bytes);

  int file;
  char *memory = nullptr;
  int64_t mapped = 0;
};

/// Sends one message; false where nobody is there to receive it.
bool sendMessage(int socket, std::span<const int64_t> message);
/// Waits for one; nothing where nobody is there to send it, or it is too long.
std::optional<std::vector<int64_t>> receiveMessage(int socket);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_DYNAMIC_SHAREDSLOT_H
