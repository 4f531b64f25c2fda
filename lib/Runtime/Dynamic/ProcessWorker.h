//===- ProcessWorker.h - A session in a process of its own ----------------===//
#ifndef TENON_LIB_RUNTIME_DYNAMIC_PROCESSWORKER_H
#define TENON_LIB_RUNTIME_DYNAMIC_PROCESSWORKER_H

#include "tenon/Runtime/DynamicSession.h"

namespace tenon::runtime {

/// Forks a process that makes a session of `container` and runs what it is given. Tensors go through shared memory,
/// which one side uses at a time. TN7015 where it cannot be started; that the session cannot be made is the error of
/// the first compute().
Expected<std::unique_ptr<BatchWorker>> startProcessWorker(std::shared_ptr<const plan::Container> container,
                                                          const SessionOptions &options);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_DYNAMIC_PROCESSWORKER_H
