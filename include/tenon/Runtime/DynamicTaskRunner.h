//===- DynamicTaskRunner.h - A step of training over workers --------------===//
//
// Runs the tasks of a step (DynamicTasks.h) on workers of unequal, changing speed, a thread for each. What a task is,
// and how results come from one worker to another, is the workers' business.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_DYNAMICTASKRUNNER_H
#define TENON_RUNTIME_DYNAMICTASKRUNNER_H

#include "tenon/Runtime/DynamicTasks.h"

#include <memory>
#include <span>
#include <vector>

namespace tenon::runtime {

/// Something that does tasks and keeps their results. Calls of run() come from one thread, its own.
class TaskWorker {
public:
  virtual ~TaskWorker() = default;
  /// Does a task of the step. `sources`: for each task that it needs, in the order of DynamicTask::after, a worker that
  /// has the result; this one where it has it. Two workers may do the same task, even at the same time: its result must
  /// be a function of what it needs, and may not change that. TN7031 where this worker is lost, with all its results;
  /// any other error ends the step.
  virtual Status run(int64_t step, size_t task, std::span<const size_t> sources) = 0;
  /// Makes a run() that is under way return soon. Thread-safe.
  virtual void stop() {}
};

/// Steps follow each other; a worker that is late with a task of one may still do it while the next one runs.
class DynamicTaskRunner {
public:
  /// TN7014 without workers, TN7015 where threads cannot be started.
  static Expected<std::unique_ptr<DynamicTaskRunner>> create(std::vector<std::unique_ptr<TaskWorker>> workers);
  ~DynamicTaskRunner();

  /// Does all tasks; steps are counted from 0. TN7030 for tasks that cannot be scheduled, TN7032 where all workers are
  /// lost, else the first error of a task. Not thread-safe.
  Status run(std::vector<DynamicTask> tasks);
  /// Tasks of the last step that were given again while somebody still held them.
  int64_t repeated() const;

private:
  struct Impl;
  explicit DynamicTaskRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_DYNAMICTASKRUNNER_H
