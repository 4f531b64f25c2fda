//===- Nccl.h - What GPUs do together -------------------------------------===//
//
// Names, types and numbers of NCCL (nccl.h), declared here so that building needs no NCCL. The library is opened when
// ranks meet: $TENON_NCCL, else libnccl.so.2.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICES_CUDA_NCCL_H
#define TENON_LIB_RUNTIME_DEVICES_CUDA_NCCL_H

#include "Driver.h"
#include "SharedLibrary.h"
#include "tenon-c/device.h"

#include <string>

namespace tenon::cuda {

/// The library. Functions return an ncclResult_t, 0 for success.
struct Nccl {
  using Comm = struct CommTag *;
  using Id = TenonDeviceMeeting; ///< ncclUniqueId: 128 bytes

  int (*getUniqueId)(Id *id) = nullptr;
  int (*initRank)(Comm *comm, int size, Id id, int rank) = nullptr;
  int (*destroy)(Comm comm) = nullptr;
  int (*abort)(Comm comm) = nullptr;
  const char *(*errorString)(int result) = nullptr;
  int (*groupStart)() = nullptr;
  int (*groupEnd)() = nullptr;
  int (*allReduce)(const void *source, void *target, size_t count, int type, int op, Comm comm,
                   Stream stream) = nullptr;
  int (*reduce)(const void *source, void *target, size_t count, int type, int op, int root, Comm comm,
                Stream stream) = nullptr;
  int (*send)(const void *source, size_t count, int type, int peer, Comm comm, Stream stream) = nullptr;
  int (*receive)(void *target, size_t count, int type, int peer, Comm comm, Stream stream) = nullptr;

  /// Opens the library. Returns why that failed, or an empty string.
  std::string open();
  /// "NCCL: unhandled system error"; empty for success.
  std::string describe(int result) const;
  /// Enqueues a collective. A message, or an empty string.
  std::string run(Comm comm, uint32_t member, const TenonDeviceCollective &collective, Stream stream) const;

private:
  std::string reduceParts(Comm comm, uint32_t member, const TenonDeviceCollective &collective, int type, int op,
                          size_t elementBytes, Stream stream) const;
  std::string exchange(Comm comm, const TenonDeviceCollective &collective, Stream stream) const;

  SharedLibrary library;
};

} // namespace tenon::cuda

#endif // TENON_LIB_RUNTIME_DEVICES_CUDA_NCCL_H
