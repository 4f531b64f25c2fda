//===- DynamicSimulation.h - Workers of changing speed, simulated ---------===//
//
// Runs the policies of tenon/Runtime/Dynamic*.h against workers whose speed is a function of time, and says how fast
// they could have been: the clairvoyant bound knows all speeds at all times and divides work as finely as it likes.
// Seconds and units of work are any; everything follows from seeds.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TEST_BENCH_DYNAMICSIMULATION_H
#define TENON_TEST_BENCH_DYNAMICSIMULATION_H

#include "tenon/Runtime/DynamicBatch.h"
#include "tenon/Runtime/DynamicTasks.h"

#include <limits>
#include <vector>

namespace tenon::test {

inline constexpr double forever = std::numeric_limits<double>::infinity();

/// A factor on the speed of a worker from `begin` to `end`; 0: it stands still.
struct SpeedChange {
  double begin = 0, end = forever, factor = 1;
};

/// The speed of a worker over time: `speed`, disturbed by a new factor in each slot, times all changes. Noise is
/// lognormal with deviation `noise`, of mean 1.
class SpeedCurve {
public:
  SpeedCurve(double speed, double noise, double slot, uint64_t seed, std::vector<SpeedChange> changes = {});
  /// Work done in [from, to).
  double work(double from, double to) const { return before(to) - before(from); }
  /// When work that begins at `from` is done; `forever` where the worker stands still before.
  double end(double from, double amount) const;

private:
  double before(double time) const;

  double slot;
  std::vector<double> speeds; ///< of each slot; the last one stays
  std::vector<double> sums;   ///< work before each slot
};

struct SimulatedWorkers {
  std::vector<SpeedCurve> curves;
  std::vector<double> deaths;  ///< when each dies; may be empty
  double overheadSeconds = 0;  ///< of each piece, before its work
  runtime::WorkerRates rates;  ///< what has been learned
  double now = 0;              ///< when the last run ended
  std::vector<double> freeAt;  ///< when each is done with what it was given last
  std::vector<double> begunAt; ///< when it was given that,
  std::vector<double> given;   ///< and how much work it is

  explicit SimulatedWorkers(std::vector<SpeedCurve> curves, double overheadSeconds = 0);
};

struct SimulatedRun {
  double seconds = 0;   ///< `forever` where all workers died or stood still
  double bound = 0;     ///< no schedule is faster
  int64_t pieces = 0;   ///< that were begun
  int64_t repeated = 0; ///< samples or tasks that were given again
  bool isExact = true;  ///< every sample or task was delivered once, and none before what it needs
};

/// The time that no schedule of `work` that begins at `from` beats.
double clairvoyant(const SimulatedWorkers &workers, double from, double work);

/// One batch, from `workers.now` on.
SimulatedRun simulateBatch(SimulatedWorkers &workers, int64_t samples, const runtime::BatchOptions &options);

/// One step of training.
SimulatedRun simulateTasks(SimulatedWorkers &workers, const std::vector<runtime::DynamicTask> &tasks);

/// A step of `microbatches`, cut into `layers` parts: forward passes, gradients of activations, gradients of weights,
/// and an optimizer that needs all of these. Results of forward passes take `transferSeconds` to another worker.
std::vector<runtime::DynamicTask> trainingTasks(int microbatches, int layers, double transferSeconds);

} // namespace tenon::test

#endif // TENON_TEST_BENCH_DYNAMICSIMULATION_H
