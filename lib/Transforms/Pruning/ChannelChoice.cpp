//===- ChannelChoice.cpp - How many channels of each group stay -----------===//
#include "ChannelChoice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace tenon;

double ProductCost::macs(const std::vector<int64_t> &removed) const {
  double result = fixed;
  for (const Extent &extent : extents) {
    int64_t left = extent.full;
    for (auto [group, width] : extent.groups)
      left -= width * removed[group];
    result *= double(left);
  }
  return result;
}

static double totalMacs(const std::vector<ProductCost> &products, const std::vector<int64_t> &removed) {
  double sum = 0;
  for (const ProductCost &product : products)
    sum += product.macs(removed);
  return sum;
}

int64_t tenon::unitOf(int64_t count, int64_t width, int64_t multiple) {
  int64_t unit = std::max<int64_t>(1, multiple / std::gcd(multiple, width));
  while (unit > 1 && unit * 2 > count)
    unit = (unit + 1) / 2;
  return unit;
}

std::vector<int64_t> tenon::chooseUniformly(const std::vector<PrunableGroup> &groups,
                                            const std::vector<ProductCost> &products, double target) {
  std::vector<int64_t> removed(groups.size(), 0);
  constexpr int steps = 200;
  for (int step = steps; step >= 0 && totalMacs(products, removed) > target; --step)
    for (size_t g = 0; g < groups.size() && totalMacs(products, removed) > target; ++g) {
      const PrunableGroup &group = groups[g];
      int64_t count = int64_t(group.importance.size());
      int64_t kept = int64_t(std::round(double(count) * step / steps / double(group.unit))) * group.unit;
      kept = std::clamp(std::max(kept, group.least), int64_t(0), count);
      removed[g] = std::max(removed[g], count - kept);
    }
  return removed;
}

std::vector<int64_t> tenon::chooseGlobally(const std::vector<PrunableGroup> &groups,
                                           const std::vector<ProductCost> &products, double target) {
  // lost[g][i]: the part of the group's importance that its i least important channels have.
  std::vector<std::vector<double>> lost;
  for (const PrunableGroup &group : groups) {
    std::vector<double> sorted = group.importance, sums{0};
    std::sort(sorted.begin(), sorted.end());
    for (double value : sorted)
      sums.push_back(sums.back() + value);
    double all = sums.back() > 0 ? sums.back() : 1;
    for (double &sum : sums)
      sum /= all;
    lost.push_back(std::move(sums));
  }
  std::vector<int64_t> removed(groups.size(), 0);
  for (double now = totalMacs(products, removed); now > target;) {
    double best = INFINITY;
    size_t chosen = groups.size();
    int64_t next = 0;
    for (size_t g = 0; g < groups.size(); ++g) {
      const PrunableGroup &group = groups[g];
      int64_t count = int64_t(group.importance.size()), kept = count - removed[g];
      int64_t fewer = (kept - 1) / group.unit * group.unit;
      if (kept <= group.least || fewer < group.least)
        continue;
      std::vector<int64_t> tried = removed;
      tried[g] = count - fewer;
      double saved = now - totalMacs(products, tried);
      double price = (lost[g][tried[g]] - lost[g][removed[g]]) / saved;
      if (saved > 0 && price < best) {
        best = price;
        chosen = g;
        next = tried[g];
      }
    }
    if (chosen == groups.size())
      break;
    removed[chosen] = next;
    now = totalMacs(products, removed);
  }
  return removed;
}
