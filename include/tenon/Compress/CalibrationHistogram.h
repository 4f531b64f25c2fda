//===- CalibrationHistogram.h - How values of a tensor are distributed ----===//
//
// A histogram that grows with its data, and the ranges that follow from one. No MLIR.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPRESS_CALIBRATIONHISTOGRAM_H
#define TENON_COMPRESS_CALIBRATIONHISTOGRAM_H

#include <cstdint>
#include <span>
#include <vector>

namespace tenon::compress {

/// Counts of values in bins of equal width that cover [-reach, reach). `reach` is the power of two above the largest
/// magnitude so far: where it grows, bins merge exactly, so that the result does not depend on the order of the values.
/// Infinities and NaN are only counted. 64 KiB.
class Histogram {
public:
  /// 4096 on either side of zero, so that the largest value has at least 2048 bins below it.
  static constexpr int64_t numBins = 8192;

  void add(std::span<const float> values);
  /// As if the values of `other` had been added.
  void merge(const Histogram &other);

  int64_t count() const { return total; }         ///< finite values
  int64_t nonFinite() const { return notFinite; } ///< infinities and NaN
  float min() const { return smallest; }          ///< 0 where there are no values
  float max() const { return largest; }
  double mean() const { return total ? sum / double(total) : 0; }
  double meanSquare() const { return total ? squares / double(total) : 0; }

  double reach() const { return bound; }
  double width() const { return 2 * bound / numBins; }
  /// Where a bin begins. Bin numBins / 2 begins at zero.
  double lowEnd(int64_t bin) const { return double(bin - numBins / 2) * width(); }
  std::span<const uint64_t> counts() const { return bins; }
  /// How many values have a magnitude in bin i of numBins / 2 of the same width that begin at zero.
  std::vector<uint64_t> magnitudes() const;

private:
  void grow(float magnitude);

  std::vector<uint64_t> bins = std::vector<uint64_t>(numBins);
  double bound = 0; ///< 0: no value but zeros yet
  int64_t total = 0, notFinite = 0;
  float smallest = 0, largest = 0;
  double sum = 0, squares = 0;
};

/// How a range is chosen.
///   MinMax       all values
///   Percentile   so many percent of the values (of the magnitudes, where the range is symmetric; else as many are left
///                out at both ends)
///   Entropy      the clip of magnitudes at which the values, rounded to as many levels, diverge least from those that
///                are not (Migacz, 8-bit inference with TensorRT, GTC 2017)
///   MeanSquare   the clip at which the squared error of rounding and clipping is least
enum class RangeMethod { MinMax, Percentile, Entropy, MeanSquare };

struct RangeOptions {
  RangeMethod method = RangeMethod::MinMax;
  unsigned bits = 8;
  bool symmetric = false;    ///< low = -high
  double percentile = 99.99; ///< 0 to 100
};

/// What integers have to cover. Holds zero; low = high = 0 only where all values are zero.
struct ValueRange {
  double low = 0, high = 0;
};

/// The range of integers of `bits` bits for the values in `histogram`.
ValueRange chooseRange(const Histogram &histogram, const RangeOptions &options);

/// The mean squared error of the values under rounding to 2^bits - 1 steps in `range` and clipping (2^bits - 2 where
/// the range is symmetric, so that zero is in the middle), from the bins: values inside a bin count as spread evenly.
double estimateError(const Histogram &histogram, ValueRange range, unsigned bits);

} // namespace tenon::compress

#endif // TENON_COMPRESS_CALIBRATIONHISTOGRAM_H
