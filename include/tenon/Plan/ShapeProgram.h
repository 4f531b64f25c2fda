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
/// each input, of the declared ranks, and `elements` those of each input that the program reads (countElementsRead;
/// empty where it reads none). TN7009 on overflow, division by zero or extents that do not broadcast.
Status evaluateShapes(const Function &function, std::span<const std::vector<int64_t>> inputs,
                      std::span<const std::vector<int64_t>> elements, std::vector<int64_t> &values);

/// How many elements of each input the shape program of a verified function reads, from the first; one per input.
std::vector<size_t> countElementsRead(const Function &function);

} // namespace tenon::plan

#endif // TENON_PLAN_SHAPEPROGRAM_H
