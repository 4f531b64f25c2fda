//===- DynamicBatch.h - Which worker computes which samples of a batch ----===//
//
// Guided self-scheduling on measured rates (Polychronopoulos and Kuck 1987; weighted: Hummel et al. 1996): a worker
// that is idle gets a part of what it could do until the batch is expected to end, so that pieces shrink towards the
// end. What others hold counts too: where their predicted end lies beyond the time in which idle workers would have
// done it again, it is given again, and the first result counts. docs/Rationale/DynamicScheduler.md.
//
// A pure function of what it is told: no thread, no clock. Times are seconds from any origin, and never go back.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_DYNAMICBATCH_H
#define TENON_RUNTIME_DYNAMICBATCH_H

#include "tenon/Runtime/DynamicRates.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

namespace tenon::runtime {

enum class BatchSchedule : uint8_t {
  Dynamic,
  Even ///< each worker gets as many samples, once; nothing is given again, except what a lost worker held
};

struct BatchOptions {
  BatchSchedule schedule = BatchSchedule::Dynamic;
  /// The part of its fair share that a worker is given at once, in (0, 1]. Less adapts sooner and loses less of a
  /// worker that stops; more makes larger pieces.
  double share = 0.25;
  /// Pieces are large enough that the overhead is no larger part of their time, unless the batch ends.
  double overheadShare = 0.02;
  /// No piece is smaller, unless less is left. At least 1.
  int64_t smallest = 1;
};

/// Samples [begin, end) of a batch.
struct SampleRange {
  int64_t begin = 0, end = 0;

  int64_t size() const { return end - begin; }
  bool operator==(const SampleRange &) const = default;
};

/// One batch. Every call takes time O(pieces that are not finished), of which there are a few for each worker.
class DynamicBatch {
public:
  static constexpr double never = std::numeric_limits<double>::infinity();

  /// What an idle worker does next.
  struct Step {
    std::optional<SampleRange> samples; ///< to compute; none: wait
    /// Where there is nothing to compute: when to ask again, unless something else happens first.
    double askAgain = never;
  };

  /// `rates` is read and fed, and outlives this. All its workers are there and idle, until told otherwise.
  DynamicBatch(int64_t samples, WorkerRates &rates, const BatchOptions &options);

  /// `worker` has something else to do since `begun`, worth `work` samples; finished() says when it is done. What it is
  /// busy with counts in what is expected of it.
  void busy(size_t worker, double begun, double work);

  /// What `worker`, which must be idle, is to do; it holds the samples from now on.
  Step next(size_t worker, double now);
  /// `worker` has computed what it held. Returns the ranges whose results nobody delivered before, in order.
  std::vector<SampleRange> finished(size_t worker, double now);
  /// `worker` is not there: what it held is given to others. It may come back by join().
  void leave(size_t worker);
  /// `worker` is there, and idle.
  void join(size_t worker);

  bool isDone() const { return open.empty(); }
  /// Workers that are there.
  size_t present() const;
  /// Samples that were given again while somebody still held them.
  int64_t repeated() const { return repeatedSamples; }

private:
  /// Samples from a key of `open` on that are not finished.
  struct Piece {
    int64_t end;
    std::vector<size_t> holders;
  };
  struct Worker {
    bool isPresent = true;
    bool hadPart = false;            ///< under BatchSchedule::Even
    std::optional<SampleRange> held; ///< an empty range where it is busy with something else
    double begun = 0, work = 0;      ///< of what it does
  };
  using Pieces = std::map<int64_t, Piece>;
  static constexpr size_t nobody = size_t(-1);

  double endOf(size_t worker, double now) const;
  double endOf(const Piece &piece, double now) const;
  double capacity(size_t worker, double until, double now) const;
  bool othersCan(size_t worker, double size, double until, double now) const;
  double demand(double until, double now) const;
  double horizon(double now) const;
  bool isWorthRepeating(const Piece &piece, double until, double now) const;
  int64_t wanted(size_t worker, double until, double now) const;
  Pieces::iterator firstFree();
  Step repeat(size_t worker, int64_t size, double until, double now);
  Step evenPart(size_t worker, double now);
  SampleRange partOf(size_t worker) const;
  Step give(size_t worker, SampleRange range, double now);
  Step wait(double now) const;
  void splitAt(int64_t sample);

  int64_t samples;
  WorkerRates &rates;
  BatchOptions options;
  std::vector<Worker> workers;
  Pieces open;
  int64_t repeatedSamples = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_DYNAMICBATCH_H
