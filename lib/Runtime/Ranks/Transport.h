//===- Transport.h - How bytes get from rank to rank ----------------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_TRANSPORT_H
#define TENON_LIB_RUNTIME_RANKS_TRANSPORT_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <span>

namespace tenon::runtime {

/// Rows of bytes in host memory: a part of a dense tensor along an axis. Its content is the rows one after the other.
struct Strips {
  char *data = nullptr;
  int64_t rows = 0;
  int64_t bytes = 0; ///< of a row
  int64_t pitch = 0; ///< bytes from the start of a row to that of the next one

  int64_t total() const { return rows * bytes; }
  bool isDense() const { return rows <= 1 || bytes == pitch; }
};

/// `bytes` in one piece.
inline Strips dense(const void *data, int64_t bytes) {
  return {static_cast<char *>(const_cast<void *>(data)), 1, bytes, bytes};
}

/// Copies what `source` holds to `target`, which has as many bytes in whatever rows; they share none.
void copyStrips(const Strips &source, const Strips &target);

/// What goes to a rank, or comes from it.
struct Message {
  uint32_t peer;
  Strips strips;
};

/// One rank's way to the others. For one thread at a time.
class Transport {
public:
  virtual ~Transport() = default;

  /// Sends and receives all messages at the same time, at most one to and one from each rank; returns when the memory
  /// may be used again. The n-th message of a rank to another meets the n-th that this one expects from it. TN7020
  /// where their sizes differ, TN7019 as soon as any rank has failed.
  virtual Status exchange(std::span<const Message> sends, std::span<const Message> receives) = 0;

  /// TN7019 if any rank has failed. Cheap: for ranks that are busy on their own.
  virtual Status check() = 0;

  /// Makes all exchanges of other ranks end with an error: this one has failed.
  virtual void fail(const Status &why) = 0;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_TRANSPORT_H
