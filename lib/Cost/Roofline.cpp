//===- Roofline.cpp - How long a kernel takes -----------------------------===//
#include "tenon/Cost/Roofline.h"

#include <algorithm>
#include <cmath>

namespace tenon::cost {

std::string_view boundName(Bound bound) {
  static constexpr std::string_view names[] = {"launch", "compute", "memory", "cache"};
  return names[size_t(bound)];
}

double Estimate::error() const { return seconds > 0 ? std::max(worst - seconds, seconds - best) / seconds : 0; }

/// Registers are given to warps in pieces of 256 (CUDA C++ Programming Guide, occupancy).
static int64_t registersOfBlock(const Grid &grid) {
  int64_t ofWarp = ((grid.registers ? grid.registers : 64) * 32 + 255) / 256 * 256;
  return ofWarp * ((grid.threads + 31) / 32);
}

int64_t residentBlocks(const Device &device, const Grid &grid) {
  if (!device.isGpu)
    return 1;
  if (grid.sharedBytes > device.sharedBytesPerBlock || grid.threads > 1024)
    return 0;
  int64_t blocks = std::min(device.blocksPerUnit, device.threadsPerUnit / std::max(grid.threads, 1));
  blocks = std::min(blocks, device.registersPerUnit / std::max<int64_t>(registersOfBlock(grid), 1));
  if (grid.sharedBytes > 0) // the system keeps 1 KiB for each block
    blocks = std::min(blocks, device.sharedBytesPerUnit / (grid.sharedBytes + 1024));
  return blocks;
}

namespace {

/// Blocks of the busiest multiprocessor, weighted: `resident` blocks at once share it, fewer may not fill it.
double busiestUnit(const Device &device, const Grid &grid, const Efficiency &efficiency) {
  int64_t mine = (grid.blocks + device.units - 1) / device.units;
  if (!device.isGpu)
    return double(mine);
  int64_t resident = std::max<int64_t>(residentBlocks(device, grid), 1);
  int64_t warps = (grid.threads + 31) / 32;
  auto fill = [&](int64_t blocks) { return std::min(1.0, double(blocks * warps) / efficiency.warps); };
  int64_t rounds = mine / resident, rest = mine % resident;
  double time = double(rounds * resident) / fill(resident);
  return rest ? time + double(rest) / fill(rest) : time;
}

/// The part of the bandwidth that the grid can ask for: a multiprocessor draws at most twice its even share (64 warps
/// of 16-byte loads in flight cover the latency of memory about twice).
double reach(const Device &device, const Grid &grid) {
  if (!device.isGpu)
    return std::min(1.0, double(grid.blocks) / double(device.units));
  return std::min(1.0, 2.0 * double(grid.blocks) / double(device.units));
}

struct Parts {
  double compute, memory, cache;
  double longest() const { return std::max({compute, memory, cache}); }
};

} // namespace

Estimate estimate(const Device &device, const Work &work, const Grid &grid, const Efficiency &efficiency) {
  Estimate result;
  if (grid.blocks <= 0)
    return result;
  const double rate = device.rate(work.unit) > 0 ? device.rate(work.unit) : device.rate(Unit::F32);
  const double perBlock = work.flops / double(grid.blocks) * double(device.units) / rate;
  const double compute = perBlock * busiestUnit(device, grid, efficiency);
  const double drawn = reach(device, grid);
  const double memory = work.bytes / (device.memoryBandwidth * drawn);
  const double reread = (work.cacheBytes > 0 ? work.cacheBytes : work.bytes) / (device.cacheBandwidth * drawn);
  auto parts = [&](double computeShare, double memoryShare) {
    return Parts{compute / computeShare, memory / memoryShare, reread / memoryShare};
  };
  const Parts typical = parts(efficiency.compute.typical, efficiency.memory.typical);
  Parts best = parts(efficiency.compute.best, efficiency.memory.best);
  if (work.bytes <= double(device.cacheBytes)) // a kernel before may have left it there
    best.memory = 0;
  result.compute = typical.compute;
  result.memory = typical.memory;
  result.cache = typical.cache;
  result.seconds = device.launchSeconds + typical.longest();
  result.best = 0.5 * device.launchSeconds + best.longest(); // half: a launch overlaps with the end of the one before
  result.worst = 2 * device.launchSeconds + parts(efficiency.compute.worst, efficiency.memory.worst).longest();
  result.roofline = std::max(work.flops / rate, work.bytes / device.memoryBandwidth);
  const double longest = typical.longest();
  result.bound = longest < device.launchSeconds ? Bound::Launch
                 : longest == typical.compute   ? Bound::Compute
                 : longest == typical.memory    ? Bound::Memory
                                                : Bound::Cache;
  result.waves = double(grid.blocks) / double(device.units * std::max<int64_t>(residentBlocks(device, grid), 1));
  return result;
}

} // namespace tenon::cost
