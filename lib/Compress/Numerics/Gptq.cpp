//===- Gptq.cpp - Quantization that makes up for its own error ------------===//
#include "tenon/Compress/Numerics/Gptq.h"
#include "LinearAlgebra.h"
#include "tenon/Compress/Numerics/LayerError.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tenon::compress {

static GroupScale scaleAt(const QuantizedMatrix &q, int64_t index) {
  return {q.scale[index], q.zero.empty() ? 0 : q.zero[index]};
}

namespace {
/// In which order inputs are quantized.
enum class Order { Natural, Falling, Reversed, Rising }; // falling, rising: by H_jj

std::vector<int64_t> placesOf(Order order, const SymmetricMatrix &h) {
  std::vector<int64_t> places(h.size);
  std::iota(places.begin(), places.end(), 0);
  if (order == Order::Falling || order == Order::Rising)
    std::sort(places.begin(), places.end(),
              [&](int64_t a, int64_t b) { return h(a, a) != h(b, b) ? h(a, a) > h(b, b) : a < b; });
  if (order == Order::Reversed || order == Order::Rising)
    std::reverse(places.begin(), places.end());
  return places;
}

/// The state of GPTQ over W, whose columns may stand in another order than those of the result.
class Gptq {
public:
  /// Scales are those of `scales`, or those of groups found on the way where that is null.
  Gptq(ConstMatrixView w, const SymmetricMatrix &h, const QuantizationFormat &format, const GptqOptions &options,
       Order order, const QuantizedMatrix *scales)
      : work(w), options(options), order(placesOf(order, h)) {
    result = {w.rows, w.columns, format, std::vector<uint8_t>(w.size()), {}, {}};
    findsScales = !scales && order == Order::Natural && format.group > 0;
    isOrdered = order != Order::Natural;
    QuantizedMatrix nearest;
    if (!scales) {
      ScaleSearch search = options.search;
      search.importance.resize(w.columns);
      for (int64_t j = 0; j < h.size; ++j)
        search.importance[j] = h(j, j);
      nearest = roundToNearest(w, format, findsScales ? ScaleSearch() : search);
      scales = &nearest;
    }
    result.scale = scales->scale;
    result.zero = scales->zero;
  }

  QuantizedMatrix run(const SymmetricMatrix &h) {
    SymmetricMatrix ordered = isOrdered ? reorder(h) : h;
    Matrix factor = dampedInverseFactor(ordered, options.damping);
    // Blocks hold whole groups.
    int64_t group = std::max<int64_t>(result.format.group, 1);
    int64_t block = group * std::max<int64_t>(1, 128 / group);
    for (int64_t begin = 0; begin < work.columns; begin += block) {
      int64_t width = std::min(block, work.columns - begin);
      Matrix errors(work.rows, width);
      for (int64_t r = 0; r < work.rows; ++r)
        quantizeRow(r, begin, factor, errors);
      subtractSpread(work, errors, factor, begin);
    }
    return std::move(result);
  }

private:
  SymmetricMatrix reorder(const SymmetricMatrix &h) {
    SymmetricMatrix ordered(h.size);
    for (int64_t i = 0; i < h.size; ++i)
      for (int64_t j = 0; j < h.size; ++j)
        ordered(i, j) = h(order[i], order[j]);
    Matrix moved(work.rows, work.columns);
    for (int64_t r = 0; r < work.rows; ++r)
      for (int64_t j = 0; j < work.columns; ++j)
        moved(r, j) = work(r, order[j]);
    work = std::move(moved);
    return ordered;
  }

  /// The columns [begin, begin + errors.columns) of one row.
  void quantizeRow(int64_t r, int64_t begin, const Matrix &factor, Matrix &errors) {
    float *row = work.row(r), *error = errors.row(r);
    int64_t end = begin + errors.columns;
    for (int64_t j = begin; j < end; ++j) {
      int64_t column = order[j], index = result.scaleIndex(r, column);
      if (findsScales && column % result.format.group == 0)
        findScale(row, j, end, index, factor);
      GroupScale scale = scaleAt(result, index);
      uint8_t code = encode(row[j], scale, result.format);
      result.codes[r * result.columns + column] = code;
      const float *spread = factor.row(j);
      float scaled = error[j - begin] = (row[j] - decode(code, scale, result.format)) / spread[j];
      for (int64_t k = j + 1; k < end; ++k)
        row[k] -= scaled * spread[k];
    }
  }

  /// The scale of the group at column j with which GPTQ of the group itself does best: the error of the outputs is the
  /// sum of the e^2, whatever the later weights then do.
  void findScale(const float *row, int64_t j, int64_t end, int64_t index, const Matrix &factor) {
    int64_t count = std::min(result.format.group, end - j);
    std::vector<GroupScale> candidates = candidateScales(row + j, count, result.format, options.search);
    GroupScale best = candidates.front();
    if (candidates.size() > 1) {
      double least = std::numeric_limits<double>::infinity();
      for (GroupScale scale : candidates)
        if (double error = tryGroup(row, j, count, scale, factor, least); error < least) {
          least = error;
          best = scale;
        }
    }
    result.scale[index] = best.scale;
    if (!result.zero.empty())
      result.zero[index] = uint8_t(best.zero);
  }

  /// The sum of e^2 over a group; at least `limit` as soon as it is that much.
  double tryGroup(const float *row, int64_t j, int64_t count, GroupScale scale, const Matrix &factor, double limit) {
    trial.assign(row + j, row + j + count);
    double sum = 0;
    for (int64_t i = 0; i < count && sum < limit; ++i) {
      const float *spread = factor.row(j + i) + j;
      float error = (trial[i] - decode(encode(trial[i], scale, result.format), scale, result.format)) / spread[i];
      sum += double(error) * error;
      for (int64_t k = i + 1; k < count; ++k)
        trial[k] -= error * spread[k];
    }
    return sum;
  }

  Matrix work; ///< what is not yet quantized, with the errors of what is
  const GptqOptions &options;
  std::vector<int64_t> order; ///< the input at each place of `work`
  std::vector<float> trial;   ///< of a group
  bool findsScales = false, isOrdered = false;
  QuantizedMatrix result;
};

/// Coordinate descent on the codes and scales of a few rows w: d = w - w', gradient g = d H. Rows do not depend on each
/// other; several are done at a time so that H passes through the caches once for all of them.
class Descent {
public:
  /// Rows [first, last).
  Descent(ConstMatrixView w, const SymmetricMatrix &h, QuantizedMatrix &q, int64_t first, int64_t last)
      : w{w.row(first), last - first, w.columns}, h(h), q(q), first(first),
        width(q.format.group > 0 ? q.format.group : q.columns), target(multiply(DoubleMatrix(this->w), h)) {}

  /// The scales of all rows for their codes: with the level l_j of input j in group g(j), least over s of the error of
  /// w'_j = l_j s_g(j); A s = b with A_gk = sum l_i H_ij l_j over i in g, j in k, b_g = sum l_i (H w)_i.
  void scales() {
    int64_t groups = q.groups();
    DoubleMatrix level = levels();
    std::vector<SymmetricMatrix> a(w.rows, SymmetricMatrix(groups));
    for (int64_t g = 0; g < groups; ++g) {
      DoubleMatrix product = multiplyRows(level, h, g * width, std::min((g + 1) * width, q.columns));
      for (int64_t r = 0; r < w.rows; ++r)
        for (int64_t j = 0; j < q.columns; ++j)
          a[r](g, j / width) += product.row(r)[j] * level.row(r)[j];
    }
    for (int64_t r = 0; r < w.rows; ++r) {
      std::vector<double> b(groups);
      for (int64_t j = 0; j < q.columns; ++j)
        b[j / width] += level.row(r)[j] * target.row(r)[j];
      solve(first + r, a[r], b);
    }
  }

  /// One round over the codes of all rows.
  void codes() {
    DoubleMatrix values = levels();
    for (int64_t r = 0; r < w.rows; ++r)
      for (int64_t j = 0; j < q.columns; ++j)
        values.row(r)[j] *= q.scale[q.scaleIndex(first + r, j)];
    DoubleMatrix gradient = multiply(values, h);
    for (int64_t r = 0; r < w.rows; ++r) {
      for (int64_t j = 0; j < q.columns; ++j)
        gradient.row(r)[j] = target.row(r)[j] - gradient.row(r)[j];
      codes(first + r, gradient.row(r));
    }
  }

private:
  DoubleMatrix levels() const {
    DoubleMatrix result(w.rows, w.columns);
    for (int64_t r = 0; r < w.rows; ++r)
      for (int64_t j = 0; j < w.columns; ++j)
        result.row(r)[j] = q.level(first + r, j);
    return result;
  }

  void codes(int64_t r, double *gradient) {
    for (int64_t j = 0; j < q.columns; ++j) {
      double curvature = h(j, j);
      if (!(curvature > 0))
        continue;
      uint8_t &code = q.codes[r * q.columns + j];
      GroupScale scale = scaleAt(q, q.scaleIndex(r, j));
      float now = decode(code, scale, q.format);
      // Moving w'_j to now + t changes the error by t^2 H_jj - 2 t g_j: least at t = g_j / H_jj, nearest code is best.
      uint8_t next = encode(float(now + gradient[j] / curvature), scale, q.format);
      double step = double(decode(next, scale, q.format)) - now;
      if (step == 0 || step * step * curvature >= 2 * step * gradient[j])
        continue;
      code = next;
      const double *moments = h.row(j);
      for (int64_t k = 0; k < q.columns; ++k)
        gradient[k] -= step * moments[k];
    }
  }

  /// Gauss-Seidel steps: the best scale of a group with the others fixed, which cannot make the error larger even where
  /// A is singular. Scales stay positive.
  void solve(int64_t r, const SymmetricMatrix &a, const std::vector<double> &b) {
    int64_t groups = q.groups();
    std::vector<double> s(q.scale.begin() + r * groups, q.scale.begin() + (r + 1) * groups);
    for (int round = 0; round < 8; ++round)
      for (int64_t g = 0; g < groups; ++g) {
        if (!(a(g, g) > 0))
          continue;
        double rest = b[g];
        for (int64_t k = 0; k < groups; ++k)
          rest -= k == g ? 0 : a(g, k) * s[k];
        double best = rest / a(g, g);
        if (std::isfinite(float(best)) && best > 0.1 * s[g])
          s[g] = best;
      }
    for (int64_t g = 0; g < groups; ++g)
      q.scale[r * groups + g] = float(s[g]);
  }

  ConstMatrixView w;
  const SymmetricMatrix &h;
  QuantizedMatrix &q;
  int64_t first, width;
  DoubleMatrix target; ///< w H
};
} // namespace

static std::vector<double> rowErrors(ConstMatrixView w, const SymmetricMatrix &h, const QuantizedMatrix &quantized) {
  Matrix difference = quantized.dequantize();
  for (int64_t i = 0; i < w.size(); ++i)
    difference.values[i] -= w.data[i];
  return rowEnergies(difference, h);
}

/// Rows do not depend on each other: of each the better one.
static void takeBetterRows(ConstMatrixView w, const SymmetricMatrix &h, QuantizedMatrix &best,
                           const QuantizedMatrix &other) {
  std::vector<double> now = rowErrors(w, h, best), then = rowErrors(w, h, other);
  int64_t scales = best.format.group == QuantizationFormat::wholeMatrix ? 0 : best.groups(); // of a row
  for (int64_t r = 0; r < w.rows; ++r) {
    if (!(then[r] < now[r]))
      continue;
    std::copy_n(other.codes.begin() + r * w.columns, w.columns, best.codes.begin() + r * w.columns);
    std::copy_n(other.scale.begin() + r * scales, scales, best.scale.begin() + r * scales);
  }
}

QuantizedMatrix gptq(ConstMatrixView w, const SymmetricMatrix &h, const QuantizationFormat &format,
                     const GptqOptions &options) {
  assert(h.size == w.columns && "second moments of another layer");
  Order first = options.actOrder ? Order::Falling : Order::Natural;
  QuantizedMatrix best = Gptq(w, h, format, options, first, nullptr).run(h);
  refine(w, h, best, options.sweeps);
  constexpr Order others[] = {Order::Natural, Order::Falling, Order::Reversed, Order::Rising};
  for (int restart = 0; restart < options.restarts; ++restart) {
    QuantizedMatrix other = Gptq(w, h, format, options, others[restart % 4], &best).run(h);
    refine(w, h, other, options.sweeps);
    takeBetterRows(w, h, best, other);
  }
  return best;
}

void refine(ConstMatrixView w, const SymmetricMatrix &h, QuantizedMatrix &quantized, int sweeps) {
  constexpr int64_t rowsAtATime = 192;
  bool ownScales = quantized.format.group != QuantizationFormat::wholeMatrix;
  for (int64_t first = 0; first < w.rows && sweeps > 0; first += rowsAtATime) {
    Descent descent(w, h, quantized, first, std::min(first + rowsAtATime, w.rows));
    for (int sweep = 0; sweep < sweeps; ++sweep) {
      if (ownScales)
        descent.scales();
      descent.codes();
    }
  }
}

} // namespace tenon::compress
