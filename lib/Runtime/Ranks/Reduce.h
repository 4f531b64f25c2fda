//===- Reduce.h - Combining the tensors of ranks --------------------------===//
#ifndef TENON_LIB_RUNTIME_RANKS_REDUCE_H
#define TENON_LIB_RUNTIME_RANKS_REDUCE_H

#include "tenon/Plan/plan_generated.h"

#include <cstdint>
#include <span>

namespace tenon::runtime {

/// target[i] = sources[0][i] op sources[1][i] op .., `count` elements each, from the left. Integers wrap, booleans are
/// or (sum, max) and and (prod, min), a NaN stays; f16 and bf16 are combined in f32 and rounded once. `target` may be
/// one of the sources. The types are F32 to Bool.
void reduce(plan::ElementType type, plan::Reduction kind, std::span<const char *const> sources, char *target,
            int64_t count);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_RANKS_REDUCE_H
