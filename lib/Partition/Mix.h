//===- Mix.h - The best parts of two choices ------------------------------===//
#ifndef TENON_LIB_PARTITION_MIX_H
#define TENON_LIB_PARTITION_MIX_H

#include "Model.h"

namespace tenon::partition {

/// Variables where two labellings differ fall into connected components, each of which can be taken from either without
/// touching the price of the others. Starts with `wanted`, which need not fit, takes over components from `fitting`,
/// which does, at the least seconds a byte until all fits, and then those that are cheaper. Linear in the model, but
/// for the points of time.
Labels mix(const Model &model, const Labels &wanted, const Labels &fitting);

} // namespace tenon::partition

#endif // TENON_LIB_PARTITION_MIX_H
