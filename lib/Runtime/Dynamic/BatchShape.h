//===- BatchShape.h - Which dimension of a model is its batch -------------===//
#ifndef TENON_LIB_RUNTIME_DYNAMIC_BATCHSHAPE_H
#define TENON_LIB_RUNTIME_DYNAMIC_BATCHSHAPE_H

#include "tenon/Runtime/DynamicBatch.h"
#include "tenon/Runtime/Tensor.h"

#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// The symbol that is dimension 0 of every output and of some inputs, and no other dimension. TN7033 where there is
/// none.
Expected<std::string> findBatch(const std::vector<TensorInfo> &inputs, const std::vector<TensorInfo> &outputs);

/// Whether dimension 0 of an input is the batch; others are given to every worker whole.
bool isBatched(const TensorInfo &info, const std::string &symbol);

/// Rows [range.begin, range.end) of a tensor, without copying them.
Tensor rowsOf(const Tensor &tensor, SampleRange range);

/// Whether samples computed together have the same results as alone, up to rounding: `together` has those of `alone`,
/// one tensor list for each sample. TN7034 with the output where they differ.
Status compareSamples(const std::vector<TensorInfo> &outputs, std::span<const Tensor> together,
                      std::span<const std::vector<Tensor>> alone);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_DYNAMIC_BATCHSHAPE_H
