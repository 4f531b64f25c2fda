//===- Value.h - Tensors, sequences of tensors, optionals -----------------===//
#ifndef TENON_RUNTIME_VALUE_H
#define TENON_RUNTIME_VALUE_H

#include "tenon/Runtime/Tensor.h"

#include <string>
#include <utility>
#include <vector>

namespace tenon::runtime {

/// What the models of ONNX take and give. A filled optional is what it holds; None is an empty one.
struct Value {
  ValueKind kind = ValueKind::None;
  Tensor tensor;                ///< of a Tensor
  std::vector<Tensor> elements; ///< of a Sequence, all of element type `type`; their shapes may differ
  ElementType type{};           ///< of a Sequence

  Value() = default;
  Value(Tensor tensor) : kind(ValueKind::Tensor), tensor(std::move(tensor)) {}
  static Value sequence(ElementType type, std::vector<Tensor> elements = {}) {
    Value value;
    value.kind = ValueKind::Sequence;
    value.type = type;
    value.elements = std::move(elements);
    return value;
  }
};

/// "a tensor", "a sequence", "an empty optional".
const char *describeKind(ValueKind kind);

/// Copies what the value refers to without owning it (Tensor::borrow), so that it may outlive that memory. TN7011.
Status makeOwned(Value &value);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_VALUE_H
