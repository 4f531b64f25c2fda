//===- Pruning.cpp - Which weights go, and what the others do then --------===//
#include "tenon/Compress/Numerics/Pruning.h"
#include "LinearAlgebra.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace tenon::compress {

/// Marks in mask[at[i]] the `keep` largest of score[i] as staying, the others as going. NaN counts as nothing.
static void keepLargest(const std::vector<float> &score, const int64_t *at, int64_t keep, Mask &mask) {
  std::vector<int64_t> order(score.size());
  std::iota(order.begin(), order.end(), 0);
  auto larger = [&](int64_t a, int64_t b) { return score[a] != score[b] ? score[a] > score[b] : a < b; };
  if (keep > 0 && keep < int64_t(order.size()))
    std::nth_element(order.begin(), order.begin() + keep, order.end(), larger);
  for (int64_t i = 0; i < int64_t(order.size()); ++i)
    mask[at[order[i]]] = i < keep;
}

/// How many of `count` stay.
static int64_t kept(int64_t count, double ratio) {
  return count - int64_t(std::floor(count * std::clamp(ratio, 0.0, 1.0) + 1e-9));
}

/// The mask of [rows, columns] for the scores, which are not negative.
static Mask maskOf(const Matrix &score, const SparsityPattern &pattern) {
  Mask mask(score.values.size(), 1);
  std::vector<int64_t> at(score.values.size());
  std::iota(at.begin(), at.end(), 0);
  if (pattern.m <= 0 && pattern.scope == SparsityPattern::Scope::Matrix) {
    keepLargest(score.values, at.data(), kept(at.size(), pattern.ratio), mask);
    return mask;
  }
  int64_t width = pattern.m > 0 ? pattern.m : score.columns;
  for (int64_t r = 0; r < score.rows; ++r)
    for (int64_t begin = 0; begin < score.columns; begin += width) {
      int64_t count = std::min(width, score.columns - begin), first = r * score.columns + begin;
      std::vector<float> part(score.values.begin() + first, score.values.begin() + first + count);
      int64_t keep = pattern.m > 0 ? std::min(pattern.n, count) : kept(count, pattern.ratio);
      keepLargest(part, at.data() + first, keep, mask);
    }
  return mask;
}

static float scoreOf(double value) { return std::isnan(value) ? 0.0f : float(value); }

Mask magnitudeMask(ConstMatrixView w, const SparsityPattern &pattern) {
  Matrix score(w.rows, w.columns);
  for (int64_t i = 0; i < w.size(); ++i)
    score.values[i] = scoreOf(std::fabs(w.data[i]));
  return maskOf(score, pattern);
}

Mask wandaMask(ConstMatrixView w, const SymmetricMatrix &h, const SparsityPattern &pattern) {
  assert(h.size == w.columns && "second moments of another layer");
  Matrix score(w.rows, w.columns);
  for (int64_t r = 0; r < w.rows; ++r)
    for (int64_t c = 0; c < w.columns; ++c)
      score(r, c) = scoreOf(std::fabs(w(r, c)) * std::sqrt(h(c, c)));
  return maskOf(score, pattern);
}

Matrix applyMask(ConstMatrixView w, const Mask &mask) {
  Matrix result(w);
  for (int64_t i = 0; i < w.size(); ++i)
    if (!mask[i])
      result.values[i] = 0;
  return result;
}

namespace {
/// SparseGPT: as GPTQ, with "becomes zero" in the place of "becomes its nearest code".
class SparseGpt {
public:
  SparseGpt(ConstMatrixView w, const SymmetricMatrix &h, const SparsityPattern &pattern,
            const SparseGptOptions &options)
      : pattern(pattern), result{Matrix(w), Mask(w.size(), 1)}, factor(dampedInverseFactor(h, options.damping)) {
    int64_t group = std::max<int64_t>(pattern.m, 1);
    block = group * std::max<int64_t>(1, options.block / group); // blocks hold whole groups
  }

  PrunedMatrix run() {
    Matrix &w = result.weights;
    for (int64_t begin = 0; begin < w.columns; begin += block) {
      Matrix errors(w.rows, std::min(block, w.columns - begin));
      if (pattern.m <= 0)
        chooseBlock(begin, errors.columns);
      for (int64_t r = 0; r < w.rows; ++r)
        pruneRow(r, begin, errors);
      subtractSpread(w, errors, factor, begin);
    }
    return std::move(result);
  }

private:
  /// w^2 / (H^-1)_jj of what is left once the inputs before j are done.
  float score(int64_t r, int64_t j) const {
    double root = double(result.weights(r, j)) / factor(j, j);
    return scoreOf(root * root);
  }

  /// The mask of a block of inputs, of the block as a whole or of each row.
  void chooseBlock(int64_t begin, int64_t width) {
    int64_t rows = result.weights.rows, step = pattern.scope == SparsityPattern::Scope::Row ? 1 : rows;
    for (int64_t first = 0; first < rows; first += step) {
      std::vector<float> scores;
      std::vector<int64_t> at;
      for (int64_t r = first; r < first + step; ++r)
        for (int64_t j = begin; j < begin + width; ++j) {
          scores.push_back(score(r, j));
          at.push_back(r * result.weights.columns + j);
        }
      keepLargest(scores, at.data(), kept(scores.size(), pattern.ratio), result.mask);
    }
  }

  void chooseGroup(int64_t r, int64_t begin, int64_t end) {
    std::vector<float> scores;
    std::vector<int64_t> at;
    for (int64_t j = begin; j < end; ++j) {
      scores.push_back(score(r, j));
      at.push_back(r * result.weights.columns + j);
    }
    keepLargest(scores, at.data(), std::min(pattern.n, end - begin), result.mask);
  }

  void pruneRow(int64_t r, int64_t begin, Matrix &errors) {
    float *row = result.weights.row(r), *error = errors.row(r);
    int64_t end = begin + errors.columns;
    for (int64_t j = begin; j < end; ++j) {
      if (pattern.m > 0 && j % pattern.m == 0)
        chooseGroup(r, j, std::min(j + pattern.m, end));
      if (result.mask[r * result.weights.columns + j])
        continue;
      const float *spread = factor.row(j);
      float scaled = error[j - begin] = row[j] / spread[j];
      row[j] = 0;
      for (int64_t k = j + 1; k < end; ++k)
        row[k] -= scaled * spread[k];
    }
  }

  const SparsityPattern &pattern;
  PrunedMatrix result;
  Matrix factor;
  int64_t block;
};
} // namespace

PrunedMatrix sparseGpt(ConstMatrixView w, const SymmetricMatrix &h, const SparsityPattern &pattern,
                       const SparseGptOptions &options) {
  assert(h.size == w.columns && "second moments of another layer");
  PrunedMatrix result = SparseGpt(w, h, pattern, options).run();
  result.weights = applyMask(result.weights, result.mask);
  if (options.refitSteps > 0)
    result.weights = refitMasked(w, result.weights, result.mask, h, options.refitSteps);
  return result;
}

// Conjugate gradients on the normal equations of each row's kept weights, preconditioned by the diagonal:
// residual = ((w - w') H) under the mask.
Matrix refitMasked(ConstMatrixView w, ConstMatrixView start, const Mask &mask, const SymmetricMatrix &h, int steps,
                   double damping) {
  SymmetricMatrix moments = damped(h, damping);
  DoubleMatrix now(start), residual(w), direction(w.rows, w.columns), preconditioned(w.rows, w.columns);
  for (size_t i = 0; i < residual.values.size(); ++i)
    residual.values[i] -= now.values[i];
  residual = multiply(residual, moments);
  std::vector<double> size(w.rows);
  // The residual under the mask, its preconditioned form, and the product of both, row by row.
  auto prepare = [&](int64_t r) {
    double sum = 0;
    for (int64_t c = 0; c < w.columns; ++c) {
      double &value = residual.row(r)[c];
      if (!mask[r * w.columns + c])
        value = 0;
      double scaled = preconditioned.row(r)[c] = value / moments(c, c);
      sum += value * scaled;
    }
    return sum;
  };
  for (int64_t r = 0; r < w.rows; ++r)
    size[r] = prepare(r);
  direction = preconditioned;
  for (int step = 0; step < steps; ++step) {
    DoubleMatrix product = multiply(direction, moments);
    for (int64_t r = 0; r < w.rows; ++r) {
      double curvature = 0;
      for (int64_t c = 0; c < w.columns; ++c)
        curvature += direction.row(r)[c] * product.row(r)[c];
      if (!(curvature > 0) || !(size[r] > 0))
        continue;
      double length = size[r] / curvature;
      for (int64_t c = 0; c < w.columns; ++c) {
        now.row(r)[c] += length * direction.row(r)[c];
        residual.row(r)[c] -= length * product.row(r)[c];
      }
      double next = prepare(r), turn = next / size[r];
      size[r] = next;
      for (int64_t c = 0; c < w.columns; ++c)
        direction.row(r)[c] = preconditioned.row(r)[c] + turn * direction.row(r)[c];
    }
  }
  Matrix result(w.rows, w.columns);
  for (size_t i = 0; i < result.values.size(); ++i)
    result.values[i] = mask[i] ? float(now.values[i]) : 0.0f;
  return result;
}

double sparsity(ConstMatrixView w) {
  return w.size() ? double(std::count(w.data, w.data + w.size(), 0.0f)) / double(w.size()) : 0;
}

} // namespace tenon::compress
