//===- Binding.h - Matching the caller's tensors with a model's -----------===//
#ifndef TENON_LIB_RUNTIME_BINDING_H
#define TENON_LIB_RUNTIME_BINDING_H

#include "Instance.h"
#include "Program.h"
#include "tenon/Plan/Status.h"
#include "tenon/Runtime/Tensor.h"

#include <span>
#include <vector>

namespace tenon::runtime {

/// Puts named tensors into model order. TN7003 for an unknown name, TN7004 for a missing or repeated one.
Expected<std::vector<Tensor>> bindInputs(const std::vector<TensorInfo> &infos, std::span<const NamedTensor> inputs);

/// Checks type, rank and fixed extents of an input (TN7005 to TN7007, TN7014).
Status checkInput(const TensorInfo &info, const Tensor &tensor);

/// Checks inputs in model order; replaces a tensor that is not aligned to its elements by an aligned copy.
Status checkInputs(const std::vector<TensorInfo> &infos, std::vector<Tensor> &inputs);

/// Element `index` of a tensor that has more of integers, or of f32 in units of 2^-32. TN7014 where it has no such
/// value, TN7018 where the type is another.
Expected<int64_t> readElement(const Tensor &tensor, size_t index);

/// What the shapes of a run depend on, from checked inputs in model order. TN7014 for an element beyond int64.
Expected<ShapeInputs> readShapes(const Program &program, std::span<const Tensor> inputs);

/// One tensor per output: the caller's where `into` names it, else new memory. TN7003, TN7013.
Expected<std::vector<Tensor>> bindOutputs(const Program &program, const Instance &instance,
                                          std::span<const NamedTensor> into);

/// Whether `tensor` of the caller takes an output of these extents (TN7013).
Status checkOutput(const TensorInfo &info, const std::vector<int64_t> &dims, const Tensor &tensor);

/// Index of a name, or the number of entries.
size_t findTensor(const std::vector<TensorInfo> &infos, const std::string &name);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_BINDING_H
