//===- DynamicRates.cpp - How fast workers are, as far as one can tell ----===//
#include "tenon/Runtime/DynamicRates.h"

#include <algorithm>
#include <cmath>

namespace tenon::runtime {

// As many pieces as a worker does in a small batch: what is older says little about how fast it is now.
static constexpr size_t window = 8;
static constexpr double decay = 0.7;
// What differs by more is no noise, but another speed or a disturbance.
static constexpr double shift = 1.5;
// Late by this part of what was expected is within noise.
static constexpr double usualLateness = 0.25;

/// The median of the rates, weighed by age and by the root of the work.
double RateEstimate::median() const {
  struct Weighed {
    double rate, weight;
  };
  std::vector<Weighed> rates;
  double total = 0;
  for (size_t i = 0; i < recent.size(); ++i) {
    rates.push_back({recent[i].rate, std::sqrt(recent[i].work) * std::pow(decay, double(recent.size() - 1 - i))});
    total += rates.back().weight;
  }
  std::sort(rates.begin(), rates.end(), [](const Weighed &a, const Weighed &b) { return a.rate < b.rate; });
  double below = 0;
  for (const Weighed &entry : rates)
    if ((below += entry.weight) >= total / 2)
      return entry.rate;
  return rates.back().rate;
}

void RateEstimate::observe(double work, double seconds) {
  if (!(work > 0) || !(seconds > 0))
    return;
  recent.push_back({work, work / seconds});
  if (recent.size() > window)
    recent.erase(recent.begin());
  // Several in a row beyond noise, on the same side: the worker has another speed now. To believe in more than there is
  // costs more than the opposite, so that takes one more.
  const double usual = median();
  auto lastAre = [&](size_t count, auto isBeyond) {
    if (recent.size() <= count || !std::all_of(recent.end() - ptrdiff_t(count), recent.end(), isBeyond))
      return;
    recent.erase(recent.begin(), recent.end() - ptrdiff_t(count));
  };
  lastAre(2, [&](const Observation &seen) { return seen.rate < usual / shift; });
  lastAre(3, [&](const Observation &seen) { return seen.rate > usual * shift; });
  const double now = median(), last = recent.back().rate;
  estimate = last < now / shift ? last : now;
}

double WorkerRates::rateOf(size_t worker) const {
  if (workers[worker].isKnown())
    return workers[worker].rate();
  double sum = 0;
  int known = 0;
  for (const RateEstimate &other : workers)
    if (other.isKnown()) {
      sum += other.rate();
      ++known;
    }
  return known ? sum / known : 0;
}

double predictedEnd(double begun, double expected, double now) {
  const double late = now - (begun + expected);
  if (late <= 0)
    return begun + expected;
  return now + late * std::max(0.1, late / (usualLateness * expected));
}

double patience(const WorkerRates &rates, const std::function<double(size_t)> &workOf) {
  double shortest = 1; // a second: what is asked once in a second costs nothing
  for (size_t i = 0; i < rates.workers.size(); ++i)
    if (const double work = workOf(i), rate = rates.rateOf(i); work > 0 && rate > 0)
      shortest = std::min(shortest, work / rate);
  return std::max({rates.overheadSeconds, 0.05 * shortest, 1e-4});
}

} // namespace tenon::runtime
