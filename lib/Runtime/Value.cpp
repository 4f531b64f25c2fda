//===- Value.cpp - Tensors, sequences of tensors, optionals ---------------===//
#include "tenon/Runtime/Value.h"

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

} // namespace tenon::runtime
