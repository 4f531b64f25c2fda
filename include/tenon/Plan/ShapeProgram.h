//===- ShapeProgram.h - Evaluating shape values ---------------------------===//
#ifndef TENON_PLAN_SHAPEPROGRAM_H
#define TENON_PLAN_SHAPEPROGRAM_H

#include "tenon/Plan/Status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tenon::plan {

struct Function;
struct ShapeInstr;

/// Evaluates the shape program of a verified function into `values`, one per instruction. `inputs` holds the extents of
/// each input, of the declared ranks. TN7009 on overflow, division by zero or extents that do not broadcast.
Status evaluateShapes(const Function &function, std::span<const std::vector<int64_t>> inputs,
                      std::vector<int64_t> &values);

} // namespace tenon::plan

#endif // TENON_PLAN_SHAPEPROGRAM_H
