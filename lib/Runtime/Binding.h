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
Expected<std::vector<Tensor>> bindInputs(const Program &program, std::span<const NamedTensor> inputs);

/// Checks types, ranks and fixed extents of inputs in model order (TN7005 to TN7007, TN7014); replaces a tensor that is
/// not aligned to its elements by an aligned copy.
Status checkInputs(const Program &program, std::vector<Tensor> &inputs);

/// What the shapes of a run depend on, from checked inputs in model order. TN7014 for an element beyond int64.
Expected<ShapeInputs> readShapes(const Program &program, std::span<const Tensor> inputs);

/// One tensor per output: the caller's where `into` names it, else new memory. TN7003, TN7013.
Expected<std::vector<Tensor>> bindOutputs(const Program &program, const Instance &instance,
                                          std::span<const NamedTensor> into);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_BINDING_H
