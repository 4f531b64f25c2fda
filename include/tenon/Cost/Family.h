//===- Family.h - How well each kind of kernel uses a device --------------===//
#ifndef TENON_COST_FAMILY_H
#define TENON_COST_FAMILY_H

#include "tenon/Cost/Roofline.h"

namespace tenon::cost {

/// Kernels of one structure, which reach about the same part of each peak.
struct Family {
  std::string_view name; ///< "gemm_simt"; stored in plans
  Efficiency efficiency;
  std::string_view source; ///< where the shares come from
};

/// All families, in alphabetical order.
const std::vector<Family> &families();

/// The family called `name`; the most cautious one ("unknown") where there is none.
const Family &findFamily(std::string_view name);

/// The part of the issue slots that a product on ordinary cores spends on multiply-adds, where a thread keeps `rows` x
/// `columns` sums: per step of k it also issues (rows + columns) / 4 loads of 16 bytes from shared memory and about two
/// others, and its warp's loads occupy shared memory for 2 (rows + columns) of rows * columns cycles.
double multiplyShare(int rows, int columns);

} // namespace tenon::cost

#endif // TENON_COST_FAMILY_H
