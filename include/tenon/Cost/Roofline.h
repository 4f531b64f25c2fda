//===- Roofline.h - How long a kernel takes -------------------------------===//
//
// time = launch + max(arithmetic, memory, cache). Arithmetic is spread over the multiprocessors in whole blocks, so a
// grid that does not fill the last wave pays for it. How much of each peak a kernel reaches is an interval (Share): the
// prediction is made with its middle, the error bar with its ends. docs/Rationale/CostModel.md derives the formulas.
//
// Pure functions of their arguments; no allocation.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COST_ROOFLINE_H
#define TENON_COST_ROOFLINE_H

#include "tenon/Cost/Device.h"

namespace tenon::cost {

/// What a launch has to do, whoever does it.
struct Work {
  double flops = 0;      ///< a multiply-add is two
  double bytes = 0;      ///< moved to and from memory at least: operands read once, results written once
  double cacheBytes = 0; ///< moved from the shared cache to the multiprocessors, with re-reads; 0 = as `bytes`
  Unit unit = Unit::F32;
};

/// How it is laid out.
struct Grid {
  int64_t blocks = 1;      ///< of a GPU, or work groups of a CPU
  int threads = 256;       ///< of a block; 1 on a CPU
  int registers = 0;       ///< of a thread; 0 = not known, taken as 64
  int64_t sharedBytes = 0; ///< of a block, static and dynamic
};

/// A part of a peak, in (0, 1].
struct Share {
  double worst, typical, best;
};

/// How well a kernel family uses a device.
struct Efficiency {
  Share compute = {0.3, 0.6, 0.9};
  Share memory = {0.5, 0.75, 0.92};
  /// Warps that a multiprocessor needs resident to issue at its rate: four schedulers, and latency to hide.
  int warps = 8;
};

/// What limits a kernel.
enum class Bound { Launch, Compute, Memory, Cache };
/// "launch", "compute", "memory", "cache".
std::string_view boundName(Bound bound);

/// A prediction, in seconds.
struct Estimate {
  double seconds = 0;  ///< with the typical shares
  double best = 0;     ///< error bar: with the best shares, and memory traffic from cache where it fits there
  double worst = 0;    ///< error bar: with the worst shares
  double roofline = 0; ///< max(flops / peak, bytes / bandwidth): no kernel is faster unless data is in a cache
  double compute = 0;  ///< typical, without the launch
  double memory = 0;   ///< typical
  double cache = 0;    ///< typical
  Bound bound = Bound::Launch;
  double waves = 0; ///< blocks over the blocks that are resident at once
  /// The error bar as a part of `seconds`: max(worst - seconds, seconds - best) / seconds.
  double error() const;
};

/// Blocks of this kind that one multiprocessor holds at once; 0 where not even one fits. 1 on a CPU.
int64_t residentBlocks(const Device &device, const Grid &grid);

/// The prediction for one launch. An empty grid takes the time of nothing.
Estimate estimate(const Device &device, const Work &work, const Grid &grid, const Efficiency &efficiency);

} // namespace tenon::cost

#endif // TENON_COST_ROOFLINE_H
