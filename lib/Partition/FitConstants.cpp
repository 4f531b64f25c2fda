//===- FitConstants.cpp - Constants of a cluster from measured steps ------===//
//
// Minimises the weighted sum of |log(predicted / measured)| by Gauss-Newton steps on squares (Levenberg, Marquardt):
// the square of a residual r counts 1 / max(|r|, 1 %) times its weight, so that stragglers do not pull. Constants move
// on a logarithmic scale and stay positive.
//
//===----------------------------------------------------------------------===//
#include "tenon/Partition/TransformerStep.h"

#include <algorithm>
#include <cmath>

namespace tenon::partition {

namespace {

using Vector = std::vector<double>;

class Fit {
public:
  Fit(cost::Cluster cluster, std::span<const MeasuredStep> steps)
      : cluster(std::move(cluster)), steps(steps.begin(), steps.end()) {}

  /// Chooses what the plans leave open, by the constants so far.
  void completePlans();
  void run(int iterations);
  const cost::StepConstants &constants() const { return cluster.constants; }

private:
  Vector residuals(const Vector &logarithms);
  double cost(const Vector &residuals) const;
  /// Solves the normal equations for the step; empty where they are singular.
  static Vector solve(std::vector<Vector> matrix, Vector right);

  cost::Cluster cluster;
  std::vector<MeasuredStep> steps;
};

} // namespace

Vector Fit::residuals(const Vector &logarithms) {
  for (size_t i = 0; i < logarithms.size(); ++i)
    cluster.constants.*cost::constantNames()[i].member = std::exp(logarithms[i]);
  const double network = cluster.groups.front().network;
  Vector result;
  for (const MeasuredStep &step : steps) {
    cluster.groups.front().network = step.network > 0 ? step.network : network;
    result.push_back(std::log(predictStep(cluster, step.model, step.plan).total / step.seconds));
  }
  cluster.groups.front().network = network;
  return result;
}

void Fit::completePlans() {
  const double network = cluster.groups.front().network;
  for (MeasuredStep &step : steps) {
    if (step.isComplete)
      continue;
    cluster.groups.front().network = step.network > 0 ? step.network : network;
    if (auto completed = completePlan(cluster, step.model, step.plan))
      step.plan = *completed;
  }
  cluster.groups.front().network = network;
}

double Fit::cost(const Vector &residuals) const {
  double sum = 0;
  for (size_t i = 0; i < residuals.size(); ++i)
    sum += steps[i].weight * std::abs(residuals[i]);
  return sum;
}

Vector Fit::solve(std::vector<Vector> matrix, Vector right) {
  const size_t size = right.size();
  for (size_t i = 0; i < size; ++i) {
    size_t pivot = i;
    for (size_t row = i + 1; row < size; ++row)
      if (std::abs(matrix[row][i]) > std::abs(matrix[pivot][i]))
        pivot = row;
    if (std::abs(matrix[pivot][i]) < 1e-14)
      return {};
    std::swap(matrix[i], matrix[pivot]);
    std::swap(right[i], right[pivot]);
    for (size_t row = i + 1; row < size; ++row) {
      const double factor = matrix[row][i] / matrix[i][i];
      for (size_t column = i; column < size; ++column)
        matrix[row][column] -= factor * matrix[i][column];
      right[row] -= factor * right[i];
    }
  }
  for (size_t i = size; i-- > 0;) {
    for (size_t column = i + 1; column < size; ++column)
      right[i] -= matrix[i][column] * right[column];
    right[i] /= matrix[i][i];
  }
  return right;
}

void Fit::run(int iterations) {
  const size_t size = cost::constantNames().size();
  Vector point;
  for (const cost::ConstantName &name : cost::constantNames())
    point.push_back(std::log(cluster.constants.*name.member));
  Vector current = residuals(point);
  double damping = 1e-2;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    std::vector<Vector> normal(size, Vector(size));
    Vector slope(size);
    std::vector<Vector> columns;
    for (size_t i = 0; i < size; ++i) {
      constexpr double difference = 1e-5;
      Vector moved = point;
      moved[i] += difference;
      Vector column = residuals(moved);
      for (size_t row = 0; row < column.size(); ++row)
        column[row] = (column[row] - current[row]) / difference;
      columns.push_back(std::move(column));
    }
    for (size_t row = 0; row < current.size(); ++row) {
      const double weight = steps[row].weight / std::max(std::abs(current[row]), 1e-2);
      for (size_t i = 0; i < size; ++i) {
        slope[i] -= weight * columns[i][row] * current[row];
        for (size_t j = 0; j < size; ++j)
          normal[i][j] += weight * columns[i][row] * columns[j][row];
      }
    }
    bool isBetter = false;
    for (int attempt = 0; attempt < 8 && !isBetter; ++attempt, damping *= isBetter ? 1 : 4) {
      std::vector<Vector> damped = normal;
      for (size_t i = 0; i < size; ++i)
        damped[i][i] += damping;
      const Vector step = solve(std::move(damped), slope);
      if (step.empty())
        continue;
      Vector moved = point;
      for (size_t i = 0; i < size; ++i)
        moved[i] = std::min(moved[i] + std::clamp(step[i], -0.5, 0.5), std::log(cost::constantNames()[i].most));
      Vector next = residuals(moved);
      if ((isBetter = cost(next) < cost(current))) {
        point = std::move(moved);
        current = std::move(next);
        damping = std::max(damping / 3, 1e-6);
      }
    }
    if (!isBetter)
      break;
  }
  residuals(point); // leaves the constants in the cluster
}

cost::StepConstants fitConstants(cost::Cluster cluster, std::span<const MeasuredStep> steps, int iterations) {
  constexpr int rounds = 3;
  Fit fit(std::move(cluster), steps);
  for (int round = 0; round < rounds; ++round) {
    fit.completePlans();
    fit.run(iterations / rounds);
  }
  return fit.constants();
}

} // namespace tenon::partition
