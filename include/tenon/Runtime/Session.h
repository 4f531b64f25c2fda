//===- Session.h - Loading and running a plan -----------------------------===//
//
// The C++ interface of the runtime; include/tenon-c/runtime.h is the C one. Nothing here throws.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_SESSION_H
#define TENON_RUNTIME_SESSION_H

#include "tenon/Plan/Status.h"
#include "tenon/Runtime/Profile.h"
#include "tenon/Runtime/Value.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tenon::plan {
class Container;
}

namespace tenon::runtime {

/// How a session is made.
struct SessionOptions {
  int threads = -1;        ///< run-time threads: -1 = the plan's default, 0 = all cores this process may use
  std::string arch;        ///< forces a code object ("x86-64-v3"); empty = the best this machine runs
  std::string device = ""; ///< "" = the plan's target; "null" runs everything but kernels
  /// How ranks of a plan meet. "" or "threads": all are threads of this process. Else this process is one of them:
  /// "mpi": as one of `mpirun`; such sessions are made by all processes, one in each, and run alike.
  std::string transport = "";
  bool verifyWeights = true; ///< compare the weights with their digest on load
};

/// The transport that the environment asks for: "mpi" for one of several processes of mpirun, else "threads".
std::string detectTransport();

/// How one run is done.
struct RunOptions {
  Profile *profile = nullptr; ///< where to put times; null = not measured
};

/// A loaded model. run() may be called from several threads at once.
class Session {
public:
  /// Loads `path`. TN6xxx where the file is damaged, TN7xxx where this machine cannot run it.
  static Expected<std::unique_ptr<Session>> create(const std::string &path, const SessionOptions &options = {});
  /// The same from a container that is open already.
  static Expected<std::unique_ptr<Session>> create(std::shared_ptr<const plan::Container> container,
                                                   const SessionOptions &options = {});
  /// The same from a container in memory, which is copied.
  static Expected<std::unique_ptr<Session>> create(std::span<const uint8_t> bytes, const SessionOptions &options = {});
  ~Session();

  const std::vector<TensorInfo> &inputs() const;
  /// Of a rank other than the first there are none.
  const std::vector<TensorInfo> &outputs() const;

  /// Runs the model on named inputs, in any order, and returns all outputs in model order. Inputs are not copied.
  /// Each tensor of `into` receives the output of its name instead of new memory; its type and dims must fit.
  Expected<std::vector<Tensor>> run(std::span<const NamedTensor> inputs, const RunOptions &options = {},
                                    std::span<const NamedTensor> into = {});
  /// The same with one tensor per input, in model order.
  Expected<std::vector<Tensor>> run(std::span<const Tensor> inputs, const RunOptions &options = {});

  /// The same for models with sequences or optionals among their inputs or outputs, which run() refuses (TN7018). The
  /// results own their memory.
  Expected<std::vector<Value>> runValues(std::span<const Value> inputs, const RunOptions &options = {});

  /// Run-time threads in use, at least 1.
  unsigned threads() const;
  /// Ranks of the plan, 1 where it has none, and which of them this process is: 0 if it is all.
  unsigned ranks() const;
  unsigned rank() const;
  /// Architecture of the code in use ("x86-64-v4"), or "" on a device without code.
  const std::string &arch() const;
  const plan::Container &container() const;

private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// "tenon 0.1.0".
const char *versionString();

} // namespace tenon::runtime

#endif // TENON_RUNTIME_SESSION_H
