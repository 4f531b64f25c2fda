//===- DynamicRates.h - How fast workers are, as far as one can tell ------===//
//
// Rates are measured: work done over the seconds it took. Others use the machine too, so a single measurement says
// little, and a worker may become slower or faster for good at any time. No clock here: seconds are passed in.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_DYNAMICRATES_H
#define TENON_RUNTIME_DYNAMICRATES_H

#include <cstddef>
#include <functional>
#include <vector>

namespace tenon::runtime {

/// The rate of one worker, from what it did last. Units of work are the caller's: samples, FLOP.
class RateEstimate {
public:
  /// `work` took `seconds`. Values that are not positive are ignored.
  void observe(double work, double seconds);
  bool isKnown() const { return !recent.empty(); }
  /// Work per second; only where isKnown(). The median of what was seen, recent and large pieces weighing more: one
  /// that was disturbed, or two, do not move it far. Less where the last one was much slower: giving a slow worker too
  /// little costs an exchange, giving it too much the end of the batch.
  double rate() const { return estimate; }

private:
  struct Observation {
    double work, rate;
  };
  double median() const;

  std::vector<Observation> recent; ///< oldest first
  double estimate = 0;
};

/// What is known about workers; outlives the batches that they work on.
struct WorkerRates {
  std::vector<RateEstimate> workers;
  double overheadSeconds = 0; ///< that a piece of work costs beside the work itself, on any worker

  /// The rate of a worker, or where it is unknown the mean of those that are known; 0 where none is.
  double rateOf(size_t worker) const;
};

/// When work that began at `begun` and was to take `expected` seconds is believed to end, seen at `now`. What is late
/// is expected to be later still, by more than it is late already: noise of a tenth or two is common, twice the
/// expected time means that the worker has become slow or has stopped.
double predictedEnd(double begun, double expected, double now);

/// Seconds after which a decision to wait is made anew: what others do may have become late by then. workOf(i) is the
/// work of what worker i does now, 0 where it is idle.
double patience(const WorkerRates &rates, const std::function<double(size_t)> &workOf);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_DYNAMICRATES_H
