//===- CalibrationHistogram.cpp - How values of a tensor are distributed --===//
#include "tenon/Compress/CalibrationHistogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tenon::compress {

static constexpr int64_t half = Histogram::numBins / 2;
/// Below this no power of two is told from zero: quotients by a bin's width stay finite.
static constexpr float tiniest = 0x1p-100f;

/// Widens the bins until `magnitude` is inside. A value's bin is floor(x / width), so that a width 2^k as large merges
/// 2^k bins exactly.
void Histogram::grow(float magnitude) {
  if (magnitude < bound || (magnitude == 0 && bound == 0))
    return;
  const double wanted = std::ldexp(1.0, std::ilogb(std::max(magnitude, tiniest)) + 1);
  if (bound == 0) { // zeros only, which stay where they are
    bound = wanted;
    return;
  }
  const int shift = std::min(std::ilogb(wanted) - std::ilogb(bound), 62);
  std::vector<uint64_t> merged(numBins);
  for (int64_t i = 0; i < numBins; ++i)
    merged[size_t(((i - half) >> shift) + half)] += bins[size_t(i)];
  bins = std::move(merged);
  bound = wanted;
}

namespace {
struct Summary {
  float min = std::numeric_limits<float>::infinity(), max = -std::numeric_limits<float>::infinity();
  int64_t notFinite = 0;
  double sum = 0, squares = 0;
};
} // namespace

static bool isFinite(float x) { return std::fabs(x) <= std::numeric_limits<float>::max(); }

static Summary summarize(std::span<const float> values) {
  Summary summary;
  // Sums of short pieces in eight lanes, which vectorize.
  constexpr size_t piece = 1024, lanes = 8;
  for (size_t at = 0; at < values.size(); at += piece) {
    const auto part = values.subspan(at, std::min(piece, values.size() - at));
    std::array<float, lanes> low, high;
    std::array<double, lanes> sum = {}, squares = {};
    low.fill(summary.min), high.fill(summary.max);
    int64_t strange = 0;
    for (size_t i = 0; i + lanes <= part.size(); i += lanes)
      for (size_t k = 0; k < lanes; ++k) {
        const bool finite = isFinite(part[i + k]);
        const float x = finite ? part[i + k] : 0;
        strange += !finite;
        low[k] = finite && x < low[k] ? x : low[k];
        high[k] = finite && x > high[k] ? x : high[k];
        sum[k] += x;
        squares[k] += double(x) * double(x);
      }
    for (size_t i = part.size() / lanes * lanes; i < part.size(); ++i)
      if (isFinite(part[i])) {
        low[0] = std::min(low[0], part[i]), high[0] = std::max(high[0], part[i]);
        sum[0] += part[i], squares[0] += double(part[i]) * double(part[i]);
      } else {
        ++strange;
      }
    summary.notFinite += strange;
    for (size_t k = 0; k < lanes; ++k) {
      summary.min = std::min(summary.min, low[k]), summary.max = std::max(summary.max, high[k]);
      summary.sum += sum[k], summary.squares += squares[k];
    }
  }
  return summary;
}

void Histogram::add(std::span<const float> values) {
  const Summary summary = summarize(values);
  const int64_t finite = int64_t(values.size()) - summary.notFinite;
  notFinite += summary.notFinite;
  if (finite == 0)
    return;
  smallest = total ? std::min(smallest, summary.min) : summary.min;
  largest = total ? std::max(largest, summary.max) : summary.max;
  total += finite;
  sum += summary.sum, squares += summary.squares;
  grow(std::max(-summary.min, summary.max));
  if (bound == 0) {
    bins[half] += uint64_t(finite);
    return;
  }
  // Neighbours often share a bin: two tables, so that one increment need not wait for the other. Each is emptied before
  // its counters overflow.
  static constexpr size_t piece = size_t(1) << 30, block = 256;
  const float inverse = float(1 / width());
  std::vector<uint32_t> even(numBins), odd(numBins);
  std::array<int32_t, block> index;
  for (size_t begin = 0; begin < values.size(); begin += piece) {
    const size_t end = std::min(values.size(), begin + piece);
    for (size_t at = begin; at < end; at += block) {
      const size_t count = std::min(block, end - at);
      for (size_t i = 0; i < count; ++i) { // the product with a power of two is exact
        const float x = values[at + i], scaled = isFinite(x) ? x * inverse : 0;
        const int32_t towardsZero = int32_t(scaled);
        index[i] = towardsZero - (scaled < float(towardsZero)) + int32_t(half);
      }
      for (size_t i = 0; i + 1 < count; i += 2) {
        ++even[size_t(index[i])];
        ++odd[size_t(index[i + 1])];
      }
      if (count % 2)
        ++even[size_t(index[count - 1])];
    }
    for (size_t i = 0; i < size_t(numBins); ++i) {
      bins[i] += uint64_t(even[i]) + odd[i];
      even[i] = odd[i] = 0;
    }
  }
  bins[half] -= uint64_t(summary.notFinite); // they were counted as zeros
}

void Histogram::merge(const Histogram &other) {
  if (other.total != 0) {
    Histogram widened = other;
    const float reached = float(std::max(bound, other.bound) / 2);
    if (reached != 0)
      grow(reached), widened.grow(reached);
    for (size_t i = 0; i < size_t(numBins); ++i)
      bins[i] += widened.bins[i];
    smallest = total ? std::min(smallest, other.smallest) : other.smallest;
    largest = total ? std::max(largest, other.largest) : other.largest;
  }
  total += other.total, notFinite += other.notFinite;
  sum += other.sum, squares += other.squares;
}

std::vector<uint64_t> Histogram::magnitudes() const {
  std::vector<uint64_t> folded(bins.begin() + half, bins.end());
  for (int64_t i = 0; i < half; ++i)
    folded[size_t(i)] += bins[size_t(half - 1 - i)];
  return folded;
}

} // namespace tenon::compress
