//===- Value.cpp - Tensors, sequences of tensors, optionals ---------------===//
#include "tenon/Runtime/Value.h"

#include <cstring>

namespace tenon::runtime {

const char *describeKind(ValueKind kind) {
  switch (kind) {
  case ValueKind::Tensor:
    return "a tensor";
  case ValueKind::Sequence:
    return "a sequence";
  case ValueKind::None:
    return "an empty optional";
  }
  return "a value of an unknown kind";
}

static Status makeOwned(Tensor &tensor) {
  if (!tensor.data || tensor.data.use_count() != 0)
    return Status::success();
  Expected<Tensor> copy = Tensor::allocate(tensor.type, tensor.dims);
  if (!copy)
    return copy.takeStatus();
  if (const int64_t bytes = copy->bytes())
    std::memcpy(copy->data.get(), tensor.data.get(), size_t(bytes));
  tensor = std::move(*copy);
  return Status::success();
}

Status makeOwned(Value &value) {
  if (value.kind == ValueKind::Tensor)
    return makeOwned(value.tensor);
  for (Tensor &element : value.elements)
    TENON_RETURN_IF_ERROR(makeOwned(element));
  return Status::success();
}

} // namespace tenon::runtime
