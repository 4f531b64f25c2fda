//===- DynamicBatch.cpp - Which worker computes which samples of a batch --===//
//
// The question is always the same: until when could everything be done, if each worker went on at its rate from the
// time on at which it is free? horizon() answers it; a worker's fair share is what it can do until then.
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/DynamicBatch.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tenon::runtime {

// A worker of unknown rate is given this part of an even share, to learn it: an error of a factor of four in what is
// expected of it then costs a quarter of its share at most.
static constexpr int64_t firstParts = 16;
// What is held is done again only where this is gained at least, relative to the time that doing it again takes.
static constexpr double worthwhile = 0.1;
// A worker is passed over where others end in less than this part of its time. Below 1, so that of several equal ones
// somebody begins.
static constexpr double clearly = 0.95;

DynamicBatch::DynamicBatch(int64_t samples, WorkerRates &rates, const BatchOptions &options)
    : samples(samples), rates(rates), options(options), workers(rates.workers.size()) {
  assert(samples >= 0 && options.smallest >= 1 && "sizes are counts of samples");
  if (samples > 0)
    open[0] = {samples, {}};
}

size_t DynamicBatch::present() const {
  return size_t(std::count_if(workers.begin(), workers.end(), [](const Worker &w) { return w.isPresent; }));
}

//===----------------------------------------------------------------------===//
// Predictions
//===----------------------------------------------------------------------===//

/// When `worker` is free.
double DynamicBatch::endOf(size_t worker, double now) const {
  const Worker &state = workers[worker];
  if (!state.held)
    return now;
  const double rate = rates.rateOf(worker);
  if (rate <= 0) // nobody has finished anything: half of it is done, for all one knows
    return now + std::max(now - state.begun, rates.overheadSeconds);
  return predictedEnd(state.begun, rates.overheadSeconds + state.work / rate, now);
}

/// When the first of those that hold `piece` will have done it.
double DynamicBatch::endOf(const Piece &piece, double now) const {
  double end = never;
  for (size_t holder : piece.holders)
    end = std::min(end, endOf(holder, now));
  return end;
}

/// Samples that `worker` can do until `until`, beyond what it holds.
double DynamicBatch::capacity(size_t worker, double until, double now) const {
  const Worker &state = workers[worker];
  if (!state.isPresent)
    return 0;
  const double begin = endOf(worker, now);
  double rate = rates.rateOf(worker);
  if (state.held) // as slow as it turns out to be
    rate = std::min(rate, state.work / std::max(begin - state.begun - rates.overheadSeconds, 1e-12));
  return rate * std::max(0.0, until - begin - rates.overheadSeconds);
}

bool DynamicBatch::isWorthRepeating(const Piece &piece, double until, double now) const {
  return endOf(piece, now) > until + worthwhile * (until - now);
}

/// Samples that idle workers have to do if the batch is to end at `until`.
double DynamicBatch::demand(double until, double now) const {
  int64_t sum = 0;
  for (const auto &[begin, piece] : open)
    if (piece.holders.empty() || isWorthRepeating(piece, until, now))
      sum += piece.end - begin;
  return double(sum);
}

/// When the batch can end. Some rate must be known.
double DynamicBatch::horizon(double now) const {
  auto suffices = [&](double until) {
    double sum = 0;
    for (size_t i = 0; i < workers.size(); ++i)
      sum += capacity(i, until, now);
    return sum >= demand(until, now);
  };
  double step = std::max(rates.overheadSeconds, 1e-6);
  while (!suffices(now + step) && step < 1e12)
    step *= 2;
  double low = now, high = now + step;
  for (int i = 0; i < 40 && high - low > 1e-4 * (high - now); ++i) {
    const double middle = (low + high) / 2;
    (suffices(middle) ? high : low) = middle;
  }
  return high;
}

/// Whether the others would have done everything that is left by `until`, in pieces of `size`.
bool DynamicBatch::othersCan(size_t worker, double size, double until, double now) const {
  double sum = 0;
  for (size_t i = 0; i < workers.size(); ++i)
    if (i != worker)
      sum += size * std::floor(capacity(i, until, now) / size);
  return sum >= demand(until, now);
}

//===----------------------------------------------------------------------===//
// Decisions
//===----------------------------------------------------------------------===//

/// Samples that an idle worker is to take if the batch ends at `until`; 0: it would only hold up the others.
int64_t DynamicBatch::wanted(size_t worker, double until, double now) const {
  const double rate = rates.rateOf(worker), share = capacity(worker, until, now);
  if (share < double(options.smallest)) {
    const double size = std::max(1.0, std::min(double(options.smallest), demand(now, now)));
    const double alone = rates.overheadSeconds + size / rate;
    return othersCan(worker, size, now + clearly * alone, now) ? 0 : options.smallest;
  }
  const double worthIt = std::ceil(rates.overheadSeconds * rate / options.overheadShare);
  const double least = std::max(double(options.smallest), worthIt);
  double size = std::min(std::max(share * options.share, least), share);
  if (!rates.workers[worker].isKnown())
    size = std::min(size, double(samples) / double(firstParts * int64_t(workers.size())));
  return std::max(options.smallest, int64_t(std::llround(std::min(size, double(samples)))));
}

DynamicBatch::Pieces::iterator DynamicBatch::firstFree() {
  return std::find_if(open.begin(), open.end(), [](const auto &entry) { return entry.second.holders.empty(); });
}

DynamicBatch::Step DynamicBatch::wait(double now) const {
  return {std::nullopt, now + patience(rates, [&](size_t i) { return workers[i].held ? workers[i].work : 0; })};
}

DynamicBatch::Step DynamicBatch::next(size_t worker, double now) {
  assert(workers[worker].isPresent && !workers[worker].held && "only an idle worker is given something");
  if (open.empty())
    return {};
  if (options.schedule == BatchSchedule::Even)
    return evenPart(worker, now);
  auto free = firstFree();
  if (rates.rateOf(worker) <= 0) { // nothing is known of anybody
    if (free == open.end())
      return give(worker, {open.begin()->first, open.begin()->second.end}, now);
    const int64_t size = std::max(options.smallest, samples / (firstParts * int64_t(workers.size())));
    return give(worker, {free->first, std::min(free->first + size, free->second.end)}, now);
  }
  const double until = horizon(now);
  const int64_t size = wanted(worker, until, now);
  if (size == 0)
    return wait(now);
  if (free != open.end())
    return give(worker, {free->first, std::min(free->first + size, free->second.end)}, now);
  return repeat(worker, size, until, now);
}

/// Gives `worker` what another one holds and will have done last, if that is later than `until`.
DynamicBatch::Step DynamicBatch::repeat(size_t worker, int64_t size, double until, double now) {
  auto last = open.end();
  for (auto piece = open.begin(); piece != open.end(); ++piece)
    if (isWorthRepeating(piece->second, until, now) &&
        (last == open.end() || endOf(piece->second, now) > endOf(last->second, now)))
      last = piece;
  if (last == open.end())
    return wait(now);
  // The whole share: whoever holds the rest has to be repeated by others, who are idle as well.
  const double share = capacity(worker, until, now);
  const int64_t most = std::max(size, int64_t(std::llround(std::min(share, double(samples)))));
  const SampleRange range{std::max(last->first, last->second.end - most), last->second.end};
  repeatedSamples += range.size();
  return give(worker, range, now);
}

/// The samples of a worker under BatchSchedule::Even: the first workers have the larger parts.
SampleRange DynamicBatch::partOf(size_t worker) const {
  const int64_t parts = int64_t(workers.size()), size = samples / parts, larger = samples % parts,
                index = int64_t(worker);
  const int64_t begin = index * size + std::min(index, larger);
  return {begin, begin + size + (index < larger)};
}

DynamicBatch::Step DynamicBatch::evenPart(size_t worker, double now) {
  if (!workers[worker].hadPart) {
    workers[worker].hadPart = true;
    if (const SampleRange part = partOf(worker); part.size() > 0)
      return give(worker, part, now);
  }
  // What a worker left that is lost.
  for (const auto &[begin, piece] : open)
    for (size_t owner = 0; owner < workers.size() && piece.holders.empty(); ++owner) {
      const SampleRange part = partOf(owner);
      if (begin >= part.begin && begin < part.end && (owner == worker || !workers[owner].isPresent))
        return give(worker, {begin, std::min(piece.end, part.end)}, now);
    }
  return {};
}

//===----------------------------------------------------------------------===//
// Who holds what
//===----------------------------------------------------------------------===//

/// Makes pieces end at `sample`.
void DynamicBatch::splitAt(int64_t sample) {
  auto after = open.upper_bound(sample);
  if (after == open.begin())
    return;
  auto piece = std::prev(after);
  if (piece->first == sample || piece->second.end <= sample)
    return;
  open[sample] = piece->second;
  piece->second.end = sample;
}

DynamicBatch::Step DynamicBatch::give(size_t worker, SampleRange range, double now) {
  splitAt(range.begin);
  splitAt(range.end);
  for (auto piece = open.lower_bound(range.begin); piece != open.end() && piece->first < range.end; ++piece)
    piece->second.holders.push_back(worker);
  workers[worker].held = range;
  workers[worker].begun = now;
  workers[worker].work = double(range.size());
  return {range, never};
}

void DynamicBatch::busy(size_t worker, double begun, double work) {
  assert((!workers[worker].held || workers[worker].held->size() == 0) && "samples of this batch are begun by next()");
  workers[worker].held = SampleRange{};
  workers[worker].begun = begun;
  workers[worker].work = work;
}

std::vector<SampleRange> DynamicBatch::finished(size_t worker, double now) {
  Worker &state = workers[worker];
  if (!state.held)
    return {};
  const SampleRange held = *state.held;
  state.held.reset();
  const double seconds = now - state.begun;
  rates.workers[worker].observe(state.work, std::max(seconds - rates.overheadSeconds, seconds / 10));
  std::vector<SampleRange> first;
  for (auto piece = open.lower_bound(held.begin); piece != open.end() && piece->first < held.end;) {
    if (!first.empty() && first.back().end == piece->first)
      first.back().end = piece->second.end;
    else
      first.push_back({piece->first, piece->second.end});
    piece = open.erase(piece);
  }
  return first;
}

void DynamicBatch::leave(size_t worker) {
  Worker &state = workers[worker];
  state.isPresent = false;
  state.held.reset();
  for (auto &[begin, piece] : open)
    std::erase(piece.holders, worker);
}

void DynamicBatch::join(size_t worker) {
  assert(!workers[worker].held && "who joins is idle");
  workers[worker].isPresent = true;
}

} // namespace tenon::runtime
