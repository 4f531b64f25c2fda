//===- StageVariants.h - Variants of a stage that fit into memory ---------===//
#ifndef TENON_LIB_PARTITION_STAGEVARIANTS_H
#define TENON_LIB_PARTITION_STAGEVARIANTS_H

#include "tenon/Partition/Stages.h"

namespace tenon::partition {

/// The cheapest variants that fit, between two numbers.
struct VariantChoice {
  std::vector<int> variants; ///< of each layer; empty where nothing fits
  double seconds = 0;        ///< more than the fastest variants take; infinite where nothing fits
  double bound = 0;          ///< no choice that fits takes less
};

/// Chooses a variant for each of `layers` so that they hold at most `memory` bytes with `inFlight` micro-batches: a
/// knapsack, solved by the best single change after each prefix of the linear relaxation, then by branch and bound.
VariantChoice chooseVariants(const StageProblem &problem, const std::vector<int> &layers, int tensor, double inFlight,
                             double memory);

/// The variant of the least seconds; the first of several.
int fastestVariant(const std::vector<Variant> &variants);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_STAGEVARIANTS_H
