//===- Shares.cpp - Work for devices that are not alike -------------------===//
#include "tenon/Partition/Shares.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <queue>

namespace tenon::partition {

int64_t partBegin(int64_t extent, std::span<const int64_t> weights, size_t part) {
  int64_t before = 0, all = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    all += weights[i];
    before += i < part ? weights[i] : 0;
  }
  assert(all > 0 && "a weight is above 0");
  return (extent * before + all - 1) / all;
}

/// The next unit goes to whoever is done first with it: since times do not fall, no other way of dealing has a faster
/// slowest worker.
std::vector<int64_t> dealUnits(int64_t units, int workers, const WorkerSeconds &seconds) {
  std::vector<int64_t> dealt(size_t(workers), 0);
  using Next = std::pair<double, int>;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> queue;
  for (int worker = 0; worker < workers; ++worker)
    queue.push({seconds(worker, 1), worker});
  for (; units > 0 && !queue.empty(); --units) {
    const auto [time, worker] = queue.top();
    if (std::isinf(time))
      return {};
    queue.pop();
    queue.push({seconds(worker, ++dealt[size_t(worker)] + 1), worker});
  }
  return units > 0 ? std::vector<int64_t>{} : dealt;
}

double secondsOfShares(std::span<const int64_t> units, std::span<const WorkerKind> kinds) {
  double sum = 0;
  for (size_t step = 0; step < kinds.front().perUnit.size(); ++step) {
    double slowest = 0;
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
      const int64_t most = (units[kind] + kinds[kind].count - 1) / kinds[kind].count;
      slowest = std::max(slowest, kinds[kind].perUnit[step] * double(most));
    }
    sum += slowest;
  }
  return sum;
}

namespace {

/// All ways to deal, one kind after the other.
class EveryShare {
public:
  EveryShare(std::span<const WorkerKind> kinds) : kinds(kinds), units(kinds.size(), 0) {}

  std::vector<int64_t> run(int64_t all) {
    deal(0, all);
    return best;
  }

private:
  void deal(size_t kind, int64_t left) {
    if (kind + 1 == kinds.size()) {
      units[kind] = left;
      if (const double seconds = secondsOfShares(units, kinds); seconds < least) {
        least = seconds;
        best = units;
      }
      return;
    }
    for (units[kind] = 0; units[kind] <= left; ++units[kind])
      deal(kind + 1, left - units[kind]);
  }

  std::span<const WorkerKind> kinds;
  std::vector<int64_t> units, best;
  double least = std::numeric_limits<double>::infinity();
};

} // namespace

/// Moves units between two kinds, many at first, as long as that helps.
static std::vector<int64_t> descend(int64_t units, std::span<const WorkerKind> kinds) {
  double speed = 0;
  std::vector<double> speeds;
  for (const WorkerKind &kind : kinds) {
    double sum = 0;
    for (double seconds : kind.perUnit)
      sum += seconds;
    speeds.push_back(kind.count / std::max(sum, 1e-300));
    speed += speeds.back();
  }
  std::vector<int64_t> dealt;
  for (double each : speeds)
    dealt.push_back(int64_t(double(units) * each / speed));
  for (int64_t given : std::vector<int64_t>(dealt))
    units -= given;
  dealt.front() += units;
  double now = secondsOfShares(dealt, kinds);
  int64_t most = 0;
  for (int64_t each : dealt)
    most = std::max(most, each);
  for (int64_t move = most; move > 0;) {
    bool helps = false;
    for (size_t from = 0; from < kinds.size(); ++from)
      for (size_t to = 0; to < kinds.size(); ++to) {
        if (from == to || dealt[from] < move)
          continue;
        dealt[from] -= move;
        dealt[to] += move;
        if (const double seconds = secondsOfShares(dealt, kinds); seconds < now) {
          now = seconds;
          helps = true;
        } else {
          dealt[from] += move;
          dealt[to] -= move;
        }
      }
    if (!helps)
      move /= 2;
  }
  return dealt;
}

std::vector<int64_t> dealSteps(int64_t units, std::span<const WorkerKind> kinds) {
  assert(!kinds.empty() && "there is a kind of device");
  double combinations = 1;
  for (size_t i = 1; i < kinds.size(); ++i)
    combinations *= double(units + int64_t(i)) / double(i);
  return combinations <= 1e6 ? EveryShare(kinds).run(units) : descend(units, kinds);
}

} // namespace tenon::partition
