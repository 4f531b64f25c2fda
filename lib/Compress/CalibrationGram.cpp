//===- CalibrationGram.cpp - X^T X of what layers are given ---------------===//
//
// The upper triangle in tiles of 8 x 32 sums that stay in registers while a block of rows goes by, compiled for each
// level of x86-64 that pays.
//
//===----------------------------------------------------------------------===//
#include "tenon/Compress/CalibrationGram.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace tenon::compress {
namespace {

constexpr int64_t tileRows = 8, lane = 16, tileColumns = 2 * lane;
/// Rows summed before they are added to the total: 256 rows of a tile's 40 columns stay in the first cache.
constexpr int64_t blockRows = 256;

using Vector = float __attribute__((vector_size(lane * sizeof(float))));

/// Columns of a block of rows, side by side in groups of 16, zero beyond the last: tiles read them without gaps.
struct Panel {
  int64_t depth, groups;
  std::vector<float> values; ///< [groups, blockRows, 16]

  explicit Panel(int64_t depth)
      : depth(depth), groups((depth + lane - 1) / lane), values(size_t(groups * blockRows * lane)) {}
  void load(const float *const *rows, int64_t count) {
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t r = 0; r < count; ++r)
        std::memcpy(&values[size_t((g * blockRows + r) * lane)], rows[r] + g * lane,
                    size_t(std::min(lane, depth - g * lane)) * sizeof(float));
  }
  const float *group(int64_t g) const { return values.data() + g * blockRows * lane; }
};

#if defined(__x86_64__) && defined(__clang__)
#define TENON_LEVELS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TENON_LEVELS
#endif

/// sums[i][j] += x[r][i] * y[r][j] over the rows: 8 columns x of a group from `first` on, 32 columns in the groups y,
/// z.
TENON_LEVELS void addTile(const float *x, const float *y, const float *z, int64_t rows, float *out) {
  Vector left[tileRows] = {}, right[tileRows] = {};
  for (int64_t r = 0; r < rows; ++r, x += lane, y += lane, z += lane) {
    Vector a, b;
    std::memcpy(&a, y, sizeof(a));
    std::memcpy(&b, z, sizeof(b));
    for (int64_t i = 0; i < tileRows; ++i) {
      left[i] += x[i] * a;
      right[i] += x[i] * b;
    }
  }
  for (int64_t i = 0; i < tileRows; ++i) {
    std::memcpy(out + i * tileColumns, &left[i], sizeof(Vector));
    std::memcpy(out + i * tileColumns + lane, &right[i], sizeof(Vector));
  }
}

} // namespace

/// Squares of larger values, summed, leave f32.
constexpr float largestSummed = 1e15f;

/// Adds x, |x| and so on of one row; false, and nothing added, where it holds a larger value, an infinity or NaN.
static bool addRow(const float *row, std::span<double> sum, std::span<double> absSum, std::span<float> absMax) {
  bool usable = true;
  for (size_t j = 0; j < sum.size(); ++j)
    usable &= std::fabs(row[j]) <= largestSummed;
  if (!usable)
    return false;
  for (size_t j = 0; j < sum.size(); ++j) {
    const float magnitude = std::fabs(row[j]);
    sum[j] += row[j];
    absSum[j] += magnitude;
    absMax[j] = magnitude > absMax[j] ? magnitude : absMax[j];
  }
  return true;
}

void GramMatrix::add(const float *rows, int64_t count, int64_t stride) {
  const float *block[blockRows];
  int64_t filled = 0;
  for (int64_t r = 0; r < count; ++r) {
    if (!addRow(rows + r * stride, sum, absSum, absMax))
      continue;
    block[filled++] = rows + r * stride;
    if (filled == blockRows) {
      addBlock(block, filled);
      filled = 0;
    }
  }
  if (filled != 0)
    addBlock(block, filled);
}

void GramMatrix::addBlock(const float *const *rows, int64_t count) {
  Panel panel(size);
  panel.load(rows, count);
  float tile[tileRows * tileColumns];
  for (int64_t i = 0; i < size; i += tileRows)
    for (int64_t j = i / tileColumns * tileColumns; j < size; j += tileColumns) {
      const float *x = panel.group(i / lane) + i % lane, *y = panel.group(j / lane);
      const float *z = j + lane < size ? panel.group(j / lane + 1) : y;
      addTile(x, y, z, count, tile);
      for (int64_t k = 0; k < std::min(tileRows, size - i); ++k)
        for (int64_t l = 0; l < std::min(tileColumns, size - j); ++l)
          sums[size_t((i + k) * size + j + l)] += tile[k * tileColumns + l];
    }
  numRows += count;
}

void GramMatrix::merge(const GramMatrix &other) {
  assert(size == other.size && "matrices of one value have one depth");
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] += other.sums[i];
  for (size_t j = 0; j < sum.size(); ++j) {
    sum[j] += other.sum[j], absSum[j] += other.absSum[j];
    absMax[j] = std::max(absMax[j], other.absMax[j]);
  }
  numRows += other.numRows;
}

InputStatistics GramMatrix::statistics() const {
  InputStatistics result(size);
  result.samples = numRows;
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < size; ++j)
      result.gram(i, j) = at(i, j);
  result.sum = sum, result.absSum = absSum, result.absMax = absMax;
  return result;
}

namespace {

/// Walks the places of a convolution's result and copies what each looks at.
class Patches {
public:
  Patches(const float *x, std::span<const int64_t> dims, const Window &window)
      : x(x), window(window), rank(dims.size() - 2), channels(dims[1] / window.groups), extents(dims.subspan(2)) {
    for (size_t k = 0; k < rank; ++k) {
      const int64_t reach = window.dilations[k] * (window.kernel[k] - 1) + 1;
      outputs.push_back((extents[k] + window.pads[k] + window.pads[k + rank] - reach) / window.strides[k] + 1);
      plane *= extents[k];
      taps *= window.kernel[k];
      places *= std::max<int64_t>(outputs[k], 0);
    }
  }
  int64_t count() const { return places; }
  int64_t depth() const { return channels * taps; }

  /// The patch of place `place` of image `n` in `group`: [channels, taps].
  void copy(int64_t n, int64_t group, int64_t place, float *out) const {
    const float *image = x + (n * window.groups + group) * channels * plane;
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t offset = 0, step = 1, restPlace = place, restTap = tap;
      bool isInside = true;
      for (size_t k = rank; k-- > 0;) {
        const int64_t at = restPlace % outputs[k] * window.strides[k] - window.pads[k] +
                           restTap % window.kernel[k] * window.dilations[k];
        isInside &= at >= 0 && at < extents[k];
        offset += at * step;
        step *= extents[k];
        restPlace /= outputs[k], restTap /= window.kernel[k];
      }
      for (int64_t c = 0; c < channels; ++c)
        out[c * taps + tap] = isInside ? image[c * plane + offset] : 0;
    }
  }

private:
  const float *x;
  const Window &window;
  size_t rank;
  int64_t channels, plane = 1, taps = 1, places = 1;
  std::span<const int64_t> extents;
  std::vector<int64_t> outputs;
};

} // namespace

void addPatches(std::span<GramMatrix> grams, const float *x, std::span<const int64_t> dims, const Window &window) {
  const Patches patches(x, dims, window);
  const int64_t depth = patches.depth();
  std::vector<float> rows(size_t(blockRows * depth));
  for (size_t group = 0; group < grams.size(); ++group) {
    int64_t filled = 0;
    for (int64_t n = 0; n < dims[0]; ++n)
      for (int64_t place = 0; place < patches.count(); ++place) {
        patches.copy(n, int64_t(group), place, &rows[size_t(filled++ * depth)]);
        if (filled == blockRows) {
          grams[group].add(rows.data(), filled, depth);
          filled = 0;
        }
      }
    if (filled != 0)
      grams[group].add(rows.data(), filled, depth);
  }
}

} // namespace tenon::compress
