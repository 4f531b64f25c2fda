//===- Tactic.cpp - How a kernel was chosen -------------------------------===//
#include "tenon/Cost/Tactic.h"

#include "tenon/Cost/Family.h"

namespace tenon::cost {

Estimate estimate(const Device &device, const Tactic &tactic, double flops, double bytes, const Grid &grid) {
  Efficiency efficiency = findFamily(tactic.family).efficiency;
  for (double *share : {&efficiency.compute.worst, &efficiency.compute.typical, &efficiency.compute.best})
    *share *= tactic.computeFactor;
  return estimate(device, {flops, bytes, bytes * tactic.cacheRatio, tactic.unit}, grid, efficiency);
}

} // namespace tenon::cost
