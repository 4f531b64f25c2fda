//===- DynamicSession.h - A batch over workers of unequal, changing speed -===//
//
// Divides the samples of a batch among workers as they turn out to be fast (DynamicBatch.h), and puts the results
// together. A worker that slows down or stops does not hold up the batch: what it holds is given to others, and the
// first result counts. One that dies is left out from then on. docs/Rationale/DynamicScheduler.md.
//
// Results have the same bits as those of one session, however the batch was divided: samples are independent, which is
// looked at with the first batch, and our kernels for processors add up a sample in one order in batches of any size.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_DYNAMICSESSION_H
#define TENON_RUNTIME_DYNAMICSESSION_H

#include "tenon/Runtime/DynamicBatch.h"
#include "tenon/Runtime/Session.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// Something that runs a model on some samples of a batch: a process, a device, a machine. All calls but stop() come
/// from one thread, its own.
class BatchWorker {
public:
  virtual ~BatchWorker() = default;
  /// Takes the inputs of a piece, in model order, which live until this returns. Must not wait for anybody.
  virtual Status load(std::span<const Tensor> inputs) = 0;
  /// Runs the model on them. The results, in model order, live until the next load(). TN7031 where the worker is lost:
  /// it is not asked again. Any other error is the model's, and ends the batch.
  virtual Expected<std::vector<Tensor>> compute() = 0;
  /// Makes a compute() that is under way return soon. Thread-safe.
  virtual void stop() {}
  /// The process that computes, or -1.
  virtual int process() const { return -1; }
};

struct DynamicSessionOptions {
  SessionOptions session; ///< of each worker; threads -1: the cores of the machine divided among the workers
  unsigned workers = 2;
  BatchOptions batch;            ///< `smallest` counts granules
  int64_t granule = 1;           ///< pieces begin at multiples of so many samples
  bool checkIndependence = true; ///< compare two samples computed together and alone, once
};

/// What happened in a run.
struct DynamicStatistics {
  int64_t samples = 0;
  int64_t repeated = 0; ///< samples that were given again while somebody still held them
  struct Worker {
    int64_t samples = 0; ///< whose results counted
    int64_t pieces = 0;  ///< that it finished in this run
    double rate = 0;     ///< samples per second, as estimated at the end; 0: unknown
    bool isLost = false;
  };
  std::vector<Worker> workers;
};

/// A model whose batches are divided. run() may be called from several threads; they take turns.
class DynamicSession {
public:
  /// Starts processes that each have a session of the plan at `path`. To be called before the program has other
  /// threads: processes are forked. TN7033 where the model has no batch that can be divided, TN7015 where a process
  /// cannot be started.
  static Expected<std::unique_ptr<DynamicSession>> create(const std::string &path,
                                                          const DynamicSessionOptions &options = {});
  /// The same over any workers that run one model with these inputs and outputs.
  static Expected<std::unique_ptr<DynamicSession>> create(std::vector<TensorInfo> inputs,
                                                          std::vector<TensorInfo> outputs,
                                                          std::vector<std::unique_ptr<BatchWorker>> workers,
                                                          const DynamicSessionOptions &options = {});
  ~DynamicSession();

  const std::vector<TensorInfo> &inputs() const;
  const std::vector<TensorInfo> &outputs() const;

  /// Runs the model on inputs in model order. TN7032 where all workers are lost, TN7034 where samples depend on each
  /// other, else as Session::run.
  Expected<std::vector<Tensor>> run(std::span<const Tensor> inputs);

  /// Of the last run.
  DynamicStatistics statistics() const;
  /// Processes of the workers, -1 for other kinds.
  std::vector<int> processes() const;
  /// Samples by which pieces are aligned.
  int64_t granule() const;

private:
  struct Impl;
  explicit DynamicSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_DYNAMICSESSION_H
