//===- Relaxation.cpp - Memory as a price: lower bounds -------------------===//
#include "Relaxation.h"

#include <algorithm>

namespace tenon::partition {
namespace {

/// Variables in the order of a breadth-first search; of each component from one that is far from its first variable.
std::vector<int> breadthFirst(const Model &model) {
  std::vector<int> order;
  std::vector<int> round(model.size(), -1); // the last search that reached a variable
  auto visit = [&](int root, int mark) {
    order.push_back(root);
    round[root] = mark;
    for (size_t i = order.size() - 1; i < order.size(); ++i)
      for (int p : model.pairsOf[order[i]]) {
        int other = model.pairs[p].a == order[i] ? model.pairs[p].b : model.pairs[p].a;
        if (round[other] < mark) {
          round[other] = mark;
          order.push_back(other);
        }
      }
  };
  for (int v = 0; v < model.size(); ++v) {
    if (round[v] >= 0)
      continue;
    size_t start = order.size();
    visit(v, 0);
    int far = order.back();
    order.resize(start);
    visit(far, 1);
  }
  return order;
}

} // namespace

Unary Relaxation::weigh(const Model &model, const std::vector<double> &multipliers, const std::vector<double> &scales) {
  std::vector<double> sum(multipliers.size() + 1); // of the multipliers before a point
  for (size_t t = 0; t < multipliers.size(); ++t)
    sum[t + 1] = sum[t] + multipliers[t];
  Unary unary = model.unary;
  for (const Span &span : model.spans) {
    double weight = (sum[span.last + 1] - sum[span.first]) * (scales.empty() ? 1 : scales[span.variable]);
    if (weight > 0)
      for (size_t l = 0; l < span.bytes.size(); ++l)
        unary[span.variable][l] += weight * double(span.bytes[l]);
  }
  return unary;
}

double Relaxation::rent(const Model &model, const std::vector<double> &multipliers) {
  double seconds = 0;
  for (size_t t = 0; t < multipliers.size(); ++t)
    if (multipliers[t] > 0)
      seconds += multipliers[t] * double(model.room[t]);
  return seconds;
}

void Relaxation::run(int steps, double gap) {
  double scale = 1;
  int idle = 0;
  Labels labels;
  for (int i = 0; i < steps; ++i) {
    Unary unary = weigh(model, lambda);
    double value = oracle.minimise(unary, labels) - rent(model, lambda);
    if (value > best + 1e-4 * std::abs(best) || i == 0) {
      idle = 0;
    } else if (++idle == 8) {
      scale /= 2;
      idle = 0;
      lambda = bestLambda;
    }
    if (value > best) {
      best = value;
      bestLambda = lambda;
    }
    primal.offer(labels);
    if (best >= primal.seconds() * (1 - gap) || best >= model.huge / 2 || scale < 1e-3)
      return;
    step(labels, value, scale);
  }
}

void Relaxation::interpolate() {
  std::vector<int> order = breadthFirst(model);
  std::vector<double> scales(model.size());
  Labels labels;
  for (bool reverse : {false, true}) {
    size_t low = 0, high = order.size();
    for (int halves = 10; halves > 0 && low < high; --halves) {
      size_t cut = (low + high) / 2;
      for (size_t i = 0; i < order.size(); ++i)
        scales[order[i]] = (i < cut) != reverse ? 1.04 : 0.96;
      Unary unary = weigh(model, bestLambda, scales);
      oracle.minimise(unary, labels);
      primal.offer(labels);
      std::vector<int64_t> usage = model.usageOf(labels);
      double excess = 0;
      for (size_t t = 0; t < usage.size(); ++t)
        excess += bestLambda[t] * double(usage[t] - model.room[t]);
      ((excess > 0) != reverse ? low : high) = (excess > 0) != reverse ? cut + 1 : cut;
    }
  }
}

/// Polyak's step: as far as the best price known would be reached if the bound were linear.
void Relaxation::step(const Labels &labels, double value, double scale) {
  std::vector<int64_t> usage = model.usageOf(labels);
  size_t worst = 0;
  for (size_t t = 0; t < usage.size(); ++t)
    if (usage[t] - model.room[t] > usage[worst] - model.room[worst])
      worst = t;
  // Points beside the worst one are crowded by nearly the same tensors: they join when they are the worst themselves.
  auto moves = [&](size_t t) { return lambda[t] > 0 || (t == worst && usage[t] > model.room[t]); };
  double norm = 0;
  for (size_t t = 0; t < usage.size(); ++t)
    if (moves(t))
      norm += double(usage[t] - model.room[t]) * double(usage[t] - model.room[t]);
  if (norm == 0)
    return;
  double target = primal.found() ? primal.seconds() : best + std::max(best, 1e-9);
  double length = scale * std::max(target - value, 1e-9 * std::abs(target)) / norm;
  for (size_t t = 0; t < usage.size(); ++t)
    if (moves(t))
      lambda[t] = std::max(0.0, lambda[t] + length * double(usage[t] - model.room[t]));
}

} // namespace tenon::partition
