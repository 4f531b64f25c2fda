//===- CalibrationRange.cpp - Ranges that follow from a histogram ---------===//
#include "tenon/Compress/CalibrationHistogram.h"

#include <algorithm>
#include <cmath>

namespace tenon::compress {

static constexpr int64_t half = Histogram::numBins / 2;

static ValueRange fullRange(const Histogram &histogram, bool symmetric) {
  const double low = std::min<double>(histogram.min(), 0), high = std::max<double>(histogram.max(), 0);
  const double reach = std::max(-low, high);
  return symmetric ? ValueRange{-reach, reach} : ValueRange{low, high};
}

/// `clip` as a range, no wider than the values.
static ValueRange limit(const Histogram &histogram, double low, double high, bool symmetric) {
  const ValueRange full = fullRange(histogram, symmetric);
  return {std::max(low, full.low), std::min(high, full.high)};
}

static ValueRange choosePercentile(const Histogram &histogram, const RangeOptions &options) {
  const double share = std::clamp(options.percentile, 0.0, 100.0) / 100, total = double(histogram.count());
  if (options.symmetric) {
    const std::vector<uint64_t> bins = histogram.magnitudes();
    const double wanted = std::ceil(share * total * (1 - 1e-12)); // 99.9 % of 1000 are 999
    double seen = 0;
    int64_t bin = 0;
    while (bin < half && seen < wanted)
      seen += double(bins[size_t(bin++)]);
    const double clip = double(bin) * histogram.width();
    return limit(histogram, -clip, clip, true);
  }
  const double outside = (1 - share) / 2 * total;
  auto bins = histogram.counts();
  int64_t low = 0, high = Histogram::numBins;
  for (double seen = 0; low < half; ++low)
    if ((seen += double(bins[size_t(low)])) > outside)
      break;
  for (double seen = 0; high > half; --high)
    if ((seen += double(bins[size_t(high - 1)])) > outside)
      break;
  return limit(histogram, histogram.lowEnd(low), histogram.lowEnd(high), false);
}

/// Kullback-Leibler divergence of the first `kept` bins, with all further values in the last of them, from the same
/// bins in `levels` steps: within a step, the values are spread over the bins that hold any.
static double divergence(std::span<const uint64_t> bins, int64_t kept, int64_t levels, double beyond) {
  constexpr double tiny = 1e-9; // a probability for what has none after rounding, but had before
  double inside = 0;
  for (int64_t i = 0; i < kept; ++i)
    inside += double(bins[size_t(i)]);
  if (inside == 0)
    return std::numeric_limits<double>::infinity();
  double sum = 0;
  for (int64_t level = 0; level < levels; ++level) {
    const int64_t begin = level * kept / levels, end = (level + 1) * kept / levels;
    double count = 0;
    int64_t filled = 0;
    for (int64_t i = begin; i < end; ++i) {
      count += double(bins[size_t(i)]);
      filled += bins[size_t(i)] != 0;
    }
    const double q = filled ? count / double(filled) / inside : 0;
    for (int64_t i = begin; i < end; ++i) {
      const double values = double(bins[size_t(i)]) + (i == kept - 1 ? beyond : 0);
      const double p = values / (inside + beyond);
      if (p > 0)
        sum += p * std::log(p / std::max(bins[size_t(i)] ? q : 0, tiny));
    }
  }
  return sum;
}

/// Searches a clip for the magnitudes; where all values have one sign, they have all the steps.
static ValueRange chooseEntropy(const Histogram &histogram, const RangeOptions &options) {
  std::vector<uint64_t> bins = histogram.magnitudes();
  while (bins.size() > 2 && bins.back() == 0)
    bins.pop_back();
  bins[0] = bins[1]; // zeros, of which a rectifier makes many, are exact whatever the clip
  const bool isOneSided = !options.symmetric && (histogram.min() >= 0 || histogram.max() <= 0);
  const int64_t size = int64_t(bins.size()), levels = int64_t(1) << (options.bits - (isOneSided ? 0 : 1));
  const int64_t step = std::max<int64_t>(size / 256, 1);
  std::vector<double> suffix(bins.size() + 1);
  for (size_t i = bins.size(); i-- > 0;)
    suffix[i] = suffix[i + 1] + double(bins[i]);
  int64_t best = size;
  double least = divergence(bins, size, std::min(levels, size), 0);
  for (int64_t kept = size - step; kept >= std::max(levels, step); kept -= step) {
    const double found = divergence(bins, kept, levels, suffix[size_t(kept)]);
    if (found < least)
      least = found, best = kept;
  }
  const double clip = double(best) * histogram.width();
  return limit(histogram, -clip, clip, options.symmetric);
}

double estimateError(const Histogram &histogram, ValueRange range, unsigned bits) {
  if (histogram.count() == 0 || histogram.width() == 0)
    return 0;
  const double steps = std::ldexp(1.0, int(bits)) - (range.low == -range.high ? 2 : 1);
  const double step = (range.high - range.low) / steps;
  if (!(step > 0))
    return histogram.meanSquare();
  // Zero is a step, so that the ends move by less than one.
  const double zero = std::round(-range.low / step), low = -zero * step, high = (steps - zero) * step;
  // The integral of (x - round(x))^2 from 0 to x: a whole step has step^3 / 12.
  constexpr double magic = 0x1.8p52; // adding it rounds to a whole number
  const double inverse = 1 / step;
  auto inside = [&](double x) {
    const double k = (x * inverse + magic) - magic, rest = x - k * step;
    return k * step * step * step / 12 + rest * rest * rest / 3;
  };
  auto outside = [](double a, double b, double end) {
    return ((b - end) * (b - end) * (b - end) - (a - end) * (a - end) * (a - end)) / 3;
  };
  const double width = histogram.width();
  auto bins = histogram.counts();
  double sum = 0;
  for (int64_t i = 0; i < Histogram::numBins; ++i) {
    if (bins[size_t(i)] == 0)
      continue;
    const double a = histogram.lowEnd(i), b = a + width;
    const double from = std::clamp(a, low, high), to = std::clamp(b, low, high);
    double error = inside(to) - inside(from);
    if (a < low)
      error += outside(a, std::min(b, low), low);
    if (b > high)
      error += outside(std::max(a, high), b, high);
    sum += double(bins[size_t(i)]) * error / width;
  }
  return sum / double(histogram.count());
}

/// First both ends together, then each for itself in smaller and smaller steps.
static ValueRange chooseMeanSquare(const Histogram &histogram, const RangeOptions &options) {
  const ValueRange full = fullRange(histogram, options.symmetric);
  constexpr int candidates = 128;
  double low = 1, high = 1; // as parts of the full range
  auto error = [&](double l, double h) {
    return estimateError(histogram, {full.low * l, full.high * h}, options.bits);
  };
  double least = error(1, 1);
  auto consider = [&](double l, double h) {
    if (l <= 0 || h <= 0 || l > 1 || h > 1)
      return;
    if (const double found = error(l, h); found < least)
      least = found, low = l, high = h;
  };
  for (int i = 1; i < candidates; ++i)
    consider(double(i) / candidates, double(i) / candidates);
  const bool isOneSided = full.low == 0 || full.high == 0;
  for (double step = 0.5 / candidates; step > 1e-4; step /= 2) {
    const double l = low, h = high;
    for (int d = -3; d <= 3; ++d)
      consider(l + d * step, h + d * step);
    if (options.symmetric || isOneSided)
      continue;
    for (int d = -8; d <= 8; ++d)
      consider(low + d * step * 2, high);
    for (int d = -8; d <= 8; ++d)
      consider(low, high + d * step * 2);
  }
  return {full.low * low, full.high * high};
}

ValueRange chooseRange(const Histogram &histogram, const RangeOptions &options) {
  if (histogram.count() == 0)
    return {};
  switch (histogram.reach() == 0 ? RangeMethod::MinMax : options.method) {
  case RangeMethod::MinMax:
    return fullRange(histogram, options.symmetric);
  case RangeMethod::Percentile:
    return choosePercentile(histogram, options);
  case RangeMethod::Entropy:
    return chooseEntropy(histogram, options);
  case RangeMethod::MeanSquare:
    return chooseMeanSquare(histogram, options);
  }
  return fullRange(histogram, options.symmetric);
}

} // namespace tenon::compress
