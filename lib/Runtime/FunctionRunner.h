//===- FunctionRunner.h - Runs one function of a plan ----------------------===//
#ifndef TENON_LIB_RUNTIME_FUNCTIONRUNNER_H
#define TENON_LIB_RUNTIME_FUNCTIONRUNNER_H

#include "Executor.h"
#include "Instance.h"

namespace tenon::runtime {

/// A function with what is known of earlier runs. Thread-safe.
class FunctionRunner {
public:
  /// `host` as for Executor.
  FunctionRunner(const plan::Container &container, uint32_t function, Device &device, Device *host)
      : program(container.plan(), device.code(), function, device.weightOffsets()), cache(container.plan(), program),
        executor(container, program, device, host) {}

  const Program program;

  /// Inputs in model order; `into` as in Session::run. Events are added to `profile`, if there is one. A rank's
  /// function needs a `communicator`.
  Expected<std::vector<Tensor>> run(std::vector<Tensor> inputs, Profile *profile, std::span<const NamedTensor> into,
                                    Communicator *communicator = nullptr);

private:
  InstanceCache cache;
  Executor executor;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_FUNCTIONRUNNER_H
