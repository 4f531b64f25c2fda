//===- DynamicTasks.h - Which worker does which task of a training step ---===//
//
// A training step is a graph of tasks that cannot be cut: forward pass, gradient of activations and gradient of weights
// of each microbatch, optimizer. An idle worker is given the task that a list schedule of all that is left, at the
// rates of now, puts on it: by the longest way to the end, each task where it ends first (HEFT: Topcuoglu et al., IEEE
// TPDS 2002), made anew at each decision. What a late worker holds is given again, and the first result counts.
//
// A pure function of what it is told: no thread, no clock.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_DYNAMICTASKS_H
#define TENON_RUNTIME_DYNAMICTASKS_H

#include "tenon/Plan/Status.h"
#include "tenon/Runtime/DynamicRates.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace tenon::runtime {

struct DynamicTask {
  double work = 1;            ///< in the units of the rates, at least 0
  std::vector<size_t> after;  ///< tasks whose results it needs
  double transferSeconds = 0; ///< to bring its result to another worker than the one that has it
};

/// One step. A decision takes time O(tasks left * workers), of which no more than 512 tasks are looked at.
class DynamicTasks {
public:
  static constexpr double never = std::numeric_limits<double>::infinity();

  struct Step {
    std::optional<size_t> task; ///< to do; none: wait
    double askAgain = never;    ///< where there is none: when to ask again, unless something else happens first
  };

  /// `rates` is read and fed, and outlives this. TN7030 where tasks wait for each other in a circle, for one that does
  /// not exist, or have no sensible work.
  static Expected<DynamicTasks> create(std::vector<DynamicTask> tasks, WorkerRates &rates);

  /// `worker` has something else to do since `begun`; finished() says when it is done.
  void busy(size_t worker, double begun, double work);

  /// What `worker`, which must be idle, is to do; it holds the task from now on.
  Step next(size_t worker, double now);
  /// `worker` has done what it held; `true` where nobody had before.
  bool finished(size_t worker, double now);
  /// `worker` is not there. What it held is given to others, and so is what it alone had the result of, where a task
  /// that is not finished needs it.
  void leave(size_t worker);
  /// `worker` is there, and idle.
  void join(size_t worker);

  /// For each task that `task` needs, a worker that has its result: `worker` itself if it has.
  std::vector<size_t> sourcesOf(size_t task, size_t worker) const;

  bool isDone() const { return finishedTasks == tasks.size(); }
  size_t present() const;
  /// Tasks that were given again while somebody still held them.
  int64_t repeated() const { return repeatedTasks; }

private:
  struct State {
    bool isFinished = false;
    std::vector<size_t> holders; ///< who computes it
    std::vector<size_t> owners;  ///< who has the result
  };
  struct Worker {
    bool isPresent = true;
    bool isBusy = false;
    std::optional<size_t> held; ///< none where it is busy with something else
    double begun = 0, work = 0; ///< of what it does
    double transfer = 0;        ///< seconds of what it waits for first
  };
  /// A task in the list schedule of what is left.
  struct Plan {
    size_t worker;
    double start, end;
  };

  explicit DynamicTasks(WorkerRates &rates) : rates(&rates), workers(rates.workers.size()) {}
  Status order();
  double rateOf(size_t worker) const;
  double secondsOf(double work, size_t worker) const;
  double endOf(size_t worker, double now) const;
  bool isReady(size_t task) const;
  double transferTo(size_t task, size_t worker) const;
  std::optional<size_t> planned(size_t worker, double now) const;
  std::optional<size_t> worthRepeating(size_t worker, double now) const;
  Step give(size_t task, size_t worker, double now);

  WorkerRates *rates;
  std::vector<DynamicTask> tasks;
  std::vector<State> states;
  std::vector<std::vector<size_t>> before; ///< tasks that need the result of each
  std::vector<size_t> byPriority;          ///< the longest way to the end first; a task after what it needs
  std::vector<Worker> workers;
  size_t finishedTasks = 0;
  int64_t repeatedTasks = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_DYNAMICTASKS_H
