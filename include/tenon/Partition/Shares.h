//===- Shares.h - Work for devices that are not alike ---------------------===//
//
// A split loop is dealt out in whole units (samples, heads, columns), more of them to faster devices. What is dealt is
// held as integer weights, one for each device along a mesh axis (MeshAxis::weights in Layout.h), so that the same plan
// serves every extent: part c of an extent n is from ceil(n * w / W) on, where w is the sum of the weights before c and
// W that of all. Equal weights are the parts of an axis without any.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_PARTITION_SHARES_H
#define TENON_PARTITION_SHARES_H

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tenon::partition {

/// Where part `part` of `extent` begins; `part` may be the number of weights: the end. Weights are at least 0, their
/// sum above 0 and below 2^31, the extent below 2^31.
int64_t partBegin(int64_t extent, std::span<const int64_t> weights, size_t part);

/// Seconds that a worker takes for as many units; does not fall as they grow, is infinite where they do not fit.
using WorkerSeconds = std::function<double(int worker, int64_t units)>;

/// Units for each of `workers` such that the slowest is as fast as can be. Exact. Empty where the units fit nowhere.
/// O(units log workers).
std::vector<int64_t> dealUnits(int64_t units, int workers, const WorkerSeconds &seconds);

/// Alike devices, and what a unit takes one of them in each step of a program.
struct WorkerKind {
  int count = 1;
  std::vector<double> perUnit; ///< seconds, one for each step
};

/// Units for each kind, dealt evenly inside of it, for a program whose devices wait for each other after every step:
/// one may be bound by arithmetic, the next by memory, and the same shares serve all. Minimises the sum over steps of
/// the slowest device (the linear program of HAP, EuroSys 2024, in whole units). Exact up to a million combinations,
/// else the best of a descent from shares in proportion to speed.
std::vector<int64_t> dealSteps(int64_t units, std::span<const WorkerKind> kinds);

/// What dealSteps() minimises.
double secondsOfShares(std::span<const int64_t> units, std::span<const WorkerKind> kinds);

} // namespace tenon::partition

#endif // TENON_PARTITION_SHARES_H
