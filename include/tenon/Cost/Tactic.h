//===- Tactic.h - How a kernel was chosen ---------------------------------===//
#ifndef TENON_COST_TACTIC_H
#define TENON_COST_TACTIC_H

#include "tenon/Cost/Roofline.h"

namespace tenon::cost {

/// One way to compute a region, and what the cost model has to know of it.
struct Tactic {
  std::string name;               ///< "gemm_simt 128x128x8", "rows: a warp a row"
  std::string why;                ///< a sentence: what decided, and the alternatives with their predicted times
  std::string family = "unknown"; ///< of Family.h
  std::string key;                ///< of the choice in a timing database; empty = there was none
  Unit unit = Unit::F32;
  double computeFactor = 1; ///< of the family's share of the arithmetic peak
  double cacheRatio = 1;    ///< bytes from the shared cache over bytes moved at least
  double predicted = 0;     ///< seconds at the extents of the compilation; 0 = not predicted
  double error = 0;         ///< error bar, as a part of `predicted`
  int64_t choices = 0;      ///< number of tactics that a compiler can be made to take here ("tile=0", ..)
};

/// How a library is taken to lay out a call: blocks for every multiprocessor.
inline Grid callGrid(const Device &device) { return {2 * device.units, 256, 0, 0}; }

/// The prediction for a launch by `tactic`: `flops` and `bytes` at least moved.
Estimate estimate(const Device &device, const Tactic &tactic, double flops, double bytes, const Grid &grid);

} // namespace tenon::cost

#endif // TENON_COST_TACTIC_H
