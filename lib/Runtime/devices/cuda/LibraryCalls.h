//===- LibraryCalls.h - Kernels that libraries compute --------------------===//
//
// cuBLASLt multiplies matrices, cuDNN convolves. Both are opened only where a plan calls them; what is needed of their
// headers is declared beside its use, so that neither is needed to build.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_DEVICES_CUDA_LIBRARYCALLS_H
#define TENON_LIB_RUNTIME_DEVICES_CUDA_LIBRARYCALLS_H

#include "Driver.h"
#include "tenon-c/device.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tenon::cuda {

/// The operands and extents of one call; absent operands are null.
struct CallArguments {
  const TenonDeviceCall &call;
  void *x, *w, *bias, *residual, *result;
  std::span<const int64_t> extents; ///< the parameters, each at least 1
  void *workspace;                  ///< of call.workspace bytes
  Stream stream;
};

/// What calls of one queue need for themselves.
class LibraryQueue {
public:
  virtual ~LibraryQueue() = default;
  /// Enqueues the call. Returns what the library says, or an empty string.
  virtual std::string run(const CallArguments &arguments) = 0;
};

/// A library as all queues of a device share it. Thread-safe. Calls need the device's context.
class CallLibrary {
public:
  virtual ~CallLibrary() = default;
  /// A message in `error`, and null, where that fails. The queue must not outlive the library.
  virtual std::unique_ptr<LibraryQueue> createQueue(std::string &error) = 0;
};

/// Opens cuBLASLt: $TENON_CUBLASLT, else libcublasLt.so of CUDA 13, 12 or 11. Null, with a message, where it is
/// missing.
std::unique_ptr<CallLibrary> openCublasLt(std::string &error);

/// Opens cuDNN: $TENON_CUDNN, else libcudnn.so.9 or 8. Null, with a message, where it is missing.
std::unique_ptr<CallLibrary> openCudnn(std::string &error);

} // namespace tenon::cuda

#endif // TENON_LIB_RUNTIME_DEVICES_CUDA_LIBRARYCALLS_H
